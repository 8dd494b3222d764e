class Sizes:
    width, height = 3, 4
    area = spawn width * height on w
    called = spawn max(width, height) on w

    def scaled(self, by):
        return spawn self.width * by on w
