package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A Downloading shows a download.
type Downloading struct {
	w    io.Writer
	stop func(keep bool) // nil without a terminal

	mu      sync.Mutex
	total   int       // files found
	began   time.Time // zero while files are listed
	files   int
	bytes   int64
	printed time.Time
}

// Download shows a download on w until Stop is called: the files, bytes, rate and time left if
// live is true, a plain line every ten seconds otherwise. Call Found for files that will be
// downloaded, then Begin, and Add for each file that has ended.
func Download(w io.Writer, live bool) *Downloading {
	d := &Downloading{w: w}
	if live {
		d.stop = animate(w, d.frame)
	}
	return d
}

// Found counts files that will be downloaded.
func (d *Downloading) Found(files int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total += files
}

// Begin starts the clock. Without a call of Found before, the number of files is unknown.
func (d *Downloading) Begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began = time.Now()
	d.printed = d.began
}

// Add adds a file that has ended.
func (d *Downloading) Add(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files++
	d.bytes += bytes
	if d.stop == nil && time.Since(d.printed) >= countInterval {
		d.printed = time.Now()
		fmt.Fprintf(d.w, "%d files  %s  %s\n", d.files, Size(d.bytes), d.rate())
	}
}

// Stop ends the display.
func (d *Downloading) Stop() {
	if d.stop != nil {
		d.stop(false) // the caller prints the result
	}
}

func (d *Downloading) frame(width, _ int) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.began.IsZero() {
		return []string{fit(width-1, fmt.Sprintf("Listing files: %d", d.total))}
	}
	text := fmt.Sprintf("%d of %d files  %s  %s", d.files, d.total, Size(d.bytes), d.rate())
	if 0 < d.files && d.files < d.total {
		// Sizes are unknown before the files are there, so the estimate counts files.
		text += "  " + Short(time.Since(d.began)*time.Duration(d.total-d.files)/time.Duration(d.files)) + " left"
	}
	return []string{fit(width-1, bar(d.files, d.total)+" "+text, text)}
}

// rate returns the bytes per second.
func (d *Downloading) rate() string {
	return Size(int64(float64(d.bytes)/max(time.Since(d.began).Seconds(), 0.1))) + "/s"
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
