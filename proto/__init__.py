"""What nodes say to each other: `session.proto` and the code generated from it."""
