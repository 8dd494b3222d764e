import math


def main(w):
	total = spawn math.fsum(
		x * x
		for x in "漢字"
	) on w
