"""How good the answers are: questions with known answers, put to the product's own chain."""
