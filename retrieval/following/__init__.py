"""What new articles say to questions that were asked before."""
