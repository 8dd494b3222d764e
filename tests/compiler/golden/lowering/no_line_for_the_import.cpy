def main(ws):
    for w in ws: spawn f(w) on w
