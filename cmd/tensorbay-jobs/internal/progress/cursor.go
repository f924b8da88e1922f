//go:build !windows

package progress

import "os"

// moveCursor reports whether the terminal f interprets control sequences.
func moveCursor(*os.File) bool { return true }
