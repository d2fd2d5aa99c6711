"""What every room needs: settings and errors. Imports nothing of the project."""
