import math


def main(w):
	return spawn math.fsum(
		x * x
		for x in "漢字"
	) on w
