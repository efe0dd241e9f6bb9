"""What people see: reports, plans, devices and progress on a terminal. Nothing is computed here."""
