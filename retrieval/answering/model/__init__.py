"""The reader that travels with Virgolette, packed. Its card is the README.md beside this file."""
