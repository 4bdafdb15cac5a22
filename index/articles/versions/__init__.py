"""Former versions of articles, and how a known address corrects its article."""
