"""What the accounts do, without HTTP: nouns, and the rules that they obey."""
