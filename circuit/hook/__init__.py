"""What the import hook is made of; `circuit.importer` installs it."""
