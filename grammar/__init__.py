"""The language as data: `python.lark`, `circuit.lark`, the tables made from them, and the reference."""
