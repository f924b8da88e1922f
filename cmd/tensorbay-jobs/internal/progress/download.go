package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A Downloading shows a download.
type Downloading struct {
	w     io.Writer
	began time.Time

	container *mpb.Progress // nil without a terminal
	bar       *mpb.Bar

	mu      sync.Mutex
	files   int
	bytes   int64
	printed time.Time
}

// Download shows a download of total files on w: the files, bytes, rate and time left. Without
// a terminal, it prints a line every ten seconds, and total may be 0 if it is unknown.
func Download(w io.Writer, total int) *Downloading {
	d := &Downloading{w: w, began: time.Now(), printed: time.Now()}
	if !Live(w) {
		return d
	}
	style := mpb.BarStyle()
	if os.Getenv("NO_COLOR") == "" {
		style = style.FillerMeta(green).TipMeta(green)
	}
	d.container = mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(liveInterval), mpb.WithAutoRefresh())
	d.bar = d.container.New(int64(total), style,
		mpb.PrependDecorators(decor.CountersNoUnit("%d of %d files ")),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return d.rate() }), decor.Any(d.left)),
	)
	return d
}

func green(text string) string { return "\x1b[32m" + text + "\x1b[0m" }

// Add adds a file that has ended.
func (d *Downloading) Add(bytes int64) {
	if d.bar != nil {
		defer d.bar.Increment() // without the lock, which the bar takes
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files++
	d.bytes += bytes
	if d.bar == nil && time.Since(d.printed) >= countInterval {
		d.printed = time.Now()
		fmt.Fprintf(d.w, "%d files  %s\n", d.files, Size(d.bytes))
	}
}

// Stop ends the display.
func (d *Downloading) Stop() {
	if d.container != nil {
		d.bar.Abort(false) // without effect if the bar is complete
		d.container.Wait()
	}
}

// rate returns the bytes so far and the bytes per second.
func (d *Downloading) rate() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	perSecond := float64(d.bytes) / max(time.Since(d.began).Seconds(), 0.1)
	return fmt.Sprintf(" %s  %s/s", Size(d.bytes), Size(int64(perSecond)))
}

// left estimates the time left from the number of files.
func (d *Downloading) left(s decor.Statistics) string {
	if s.Completed || s.Current == 0 {
		return ""
	}
	return "  " + Short(time.Since(d.began)*time.Duration(s.Total-s.Current)/time.Duration(s.Current)) + " left"
}

// Size returns a number of bytes for people, such as 1.2 MB.
func Size(bytes int64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	n, unit := float64(bytes)/1000, 0
	for ; n >= 999.95 && unit < 3; n /= 1000 {
		unit++
	}
	return fmt.Sprintf("%.1f %s", n, [...]string{"kB", "MB", "GB", "TB"}[unit])
}
