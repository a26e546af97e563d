"""What is acknowledged stays, whoever is killed and whenever; `make faults` runs the long form."""
