"""What people and programs read: tables, JSON, progress, bytes made safe to print."""
