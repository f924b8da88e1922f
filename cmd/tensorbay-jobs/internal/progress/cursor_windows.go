package progress

import (
	"os"

	"golang.org/x/sys/windows"
)

// moveCursor makes the console f interpret control sequences. It reports whether it does.
func moveCursor(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	return windows.GetConsoleMode(console, &mode) == nil &&
		windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
