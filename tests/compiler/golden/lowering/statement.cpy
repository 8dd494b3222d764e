"""Two statements."""

import work

spawn work.start() on "w1"
spawn work.add(1, 2, scale=3) on "w2"
