print(rf"{spawn work(1) on w=}", rf"""{spawn work(
    1) on w = }""")
