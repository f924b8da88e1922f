package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const liveInterval = 150 * time.Millisecond // between frames

// A frame returns the lines to show on a terminal of the given size.
type frame func(width, height int) []string

// Live reports whether w is a terminal that can move its cursor.
func Live(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && moveCursor(f)
}

// Width returns the number of columns of w. It returns 80 if w is not a terminal.
func Width(w io.Writer) int {
	width, _ := size(w)
	return width
}

func size(w io.Writer) (width, height int) {
	if f, ok := w.(*os.File); ok {
		width, height, _ = term.GetSize(int(f.Fd()))
	}
	if width <= 0 || height <= 0 { // not a terminal, or one without a size
		return 80, 24
	}
	return width, height
}

// animate draws frames on the terminal w until stop is called. If keep is true, the last frame
// remains.
func animate(w io.Writer, f frame) (stop func(keep bool)) {
	quit, done := make(chan bool), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(liveInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_, _ = io.WriteString(w, draw(f(size(w)), false))
			case keep := <-quit:
				text := "\r" + clearBelow
				if keep {
					text = draw(f(size(w)), true)
				}
				_, _ = io.WriteString(w, text)
				return
			}
		}
	}()
	return func(keep bool) { quit <- keep; <-done }
}

// Control sequences of ECMA-48 and VT100, which all terminals of today know.
const (
	clearLine  = "\x1b[K" // from the cursor
	clearBelow = "\x1b[J"
	wrapOff    = "\x1b[?7l"
	wrapOn     = "\x1b[?7h"
)

// draw returns the text that replaces the previous frame. Between frames, the cursor is at the
// start of the first line: terminals keep it there if they wrap longer lines anew because the
// window became narrower. The last frame leaves the cursor below itself.
func draw(lines []string, last bool) string {
	text := "\r" + wrapOff + strings.Join(lines, clearLine+"\r\n") + clearLine
	if last && len(lines) > 0 {
		text += "\r\n"
	}
	text += clearBelow + wrapOn
	if last {
		return text
	}
	if up := len(lines) - 1; up > 0 {
		text += fmt.Sprintf("\x1b[%dA", up)
	}
	return text + "\r"
}
