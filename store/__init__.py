"""What must be transactional (PostgreSQL): tables, migrations, sessions. Imports only common."""
