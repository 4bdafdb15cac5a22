"""Measures the answers: questions with known answers, put to the product's own chain."""
