def main(w):
    return f"{spawn work(1) on w} {f'{spawn work(2) on w}'}", f'{spawn work(3) on w}', spawn f"{w}" on w
