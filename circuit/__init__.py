"""Circuit: Python with one more keyword, `spawn <expr> on <worker>`, and the runtime behind it."""
