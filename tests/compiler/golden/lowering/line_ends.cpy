match = 1
if match:
	spawn f(
		match,
	) on w

spawn g() on w