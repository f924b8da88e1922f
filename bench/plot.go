package bench

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The size and the margins of the plot.
const (
	plotWidth, plotHeight                    = 960, 620
	plotLeft, plotRight, plotTop, plotBottom = 74, 24, 56, 58
)

// axis is a logarithmic axis.
type axis struct {
	from, to float64 // values
	lo, hi   float64 // positions
}

func (a axis) at(v float64) float64 {
	return a.lo + (math.Log(v)-math.Log(a.from))/(math.Log(a.to)-math.Log(a.from))*(a.hi-a.lo)
}

// over returns an axis that contains all values and ends at round numbers.
func over(values []float64, lo, hi float64) axis {
	floor := math.Inf(1)
	for _, v := range values {
		floor = min(floor, v)
	}
	from, to := step(floor*0.85, -1), step(slices.Max(values)*1.15, 1)
	return axis{from, to, lo, hi}
}

// step returns the nearest of 1, 2, 5, 10, ... in a direction.
func step(v float64, direction int) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	steps := []float64{1, 2, 5, 10}
	if direction > 0 {
		for _, s := range steps {
			if s*power >= v {
				return s * power
			}
		}
	}
	for _, s := range slices.Backward(steps) {
		if s*power <= v {
			return s * power
		}
	}
	return power
}

// dot is a client in the plot.
type dot struct {
	x, y  float64
	label string
	ours  bool
}

// plot draws the mean lag and the requests per job as SVG.
func (r *Report) plot() []byte {
	var dots []dot
	var curves []Curve
	for _, table := range r.Tables {
		if !table.isSize() {
			continue
		}
		if row := table.ours(nameAll); row != nil {
			dots = append(dots, dot{row.PerJob(), mean(row.Lags), fmt.Sprintf("WaitAll, %s at %g/s", thousands(row.N), table.Limit), true})
		}
		if table.Key != keyMain {
			continue
		}
		curves = table.Curves
		for _, row := range table.Rows {
			if !row.Ours && !row.Tuned && len(row.Lags) > 0 {
				dots = append(dots, dot{row.PerJob(), mean(row.Lags), row.Client, false})
			}
		}
	}
	var out bytes.Buffer
	if len(dots) == 0 {
		return nil
	}
	var xs, ys []float64
	for _, d := range dots {
		xs, ys = append(xs, d.x), append(ys, d.y)
	}
	for _, c := range curves {
		xs, ys = append(xs, c.PerJob...), append(ys, c.MeanLag...)
	}
	x := over(xs, plotLeft, plotWidth-plotRight)
	y := over(ys, plotHeight-plotBottom, plotTop)

	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="13">`+"\n", plotWidth, plotHeight, plotWidth, plotHeight)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n")
	fmt.Fprintf(&out, `<text x="%d" y="26" font-size="17" font-weight="600" fill="#1f2933">Waiting for jobs: lag and requests</text>`+"\n", plotLeft)
	fmt.Fprintf(&out, `<text x="%d" y="45" fill="#52606d">1,000 jobs of about a minute. Gray: other libraries with their default options, and loops with any interval</text>`+"\n", plotLeft)
	for _, tick := range ticks(x) {
		fmt.Fprintf(&out, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#e4e7eb"/><text x="%.1f" y="%d" text-anchor="middle" fill="#52606d">%g</text>`+"\n",
			x.at(tick), plotTop, x.at(tick), plotHeight-plotBottom, x.at(tick), plotHeight-plotBottom+18, tick)
	}
	for _, tick := range ticks(y) {
		fmt.Fprintf(&out, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#e4e7eb"/><text x="%d" y="%.1f" text-anchor="end" fill="#52606d">%g s</text>`+"\n",
			plotLeft, y.at(tick), plotWidth-plotRight, y.at(tick), plotLeft-8, y.at(tick)+4, tick)
	}
	fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="middle" fill="#1f2933">requests per job</text>`+"\n", (plotLeft+plotWidth-plotRight)/2, plotHeight-14)
	fmt.Fprintf(&out, `<text transform="translate(18 %d) rotate(-90)" text-anchor="middle" fill="#1f2933">mean lag after the end of a job</text>`+"\n", (plotTop+plotHeight-plotBottom)/2)

	for _, c := range curves {
		var points []string
		for i := range c.PerJob {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x.at(c.PerJob[i]), y.at(c.MeanLag[i])))
		}
		fmt.Fprintf(&out, `<polyline points="%s" fill="none" stroke="#b8c1cc" stroke-width="2"/>`+"\n", strings.Join(points, " "))
	}
	var taken []box
	for _, d := range dots {
		cx, cy := x.at(d.x), y.at(d.y)
		taken = append(taken, box{cx - 6, cy - 6, cx + 6, cy + 6})
	}
	for _, c := range curves { // labels avoid the lines
		for i := range c.PerJob {
			cx, cy := x.at(c.PerJob[i]), y.at(c.MeanLag[i])
			taken = append(taken, box{cx - 3, cy - 3, cx + 3, cy + 3})
			if i > 0 {
				mx, my := (cx+x.at(c.PerJob[i-1]))/2, (cy+y.at(c.MeanLag[i-1]))/2
				taken = append(taken, box{mx - 3, my - 3, mx + 3, my + 3})
			}
		}
	}
	slices.SortStableFunc(dots, func(a, b dot) int { return boolInt(b.ours) - boolInt(a.ours) }) // ours first
	for _, d := range dots {
		cx, cy := x.at(d.x), y.at(d.y)
		fill, stroke, text, radius := "#7b8794", "#7b8794", "#3e4c59", 4.5
		if d.ours {
			fill, stroke, text, radius = "#0b69a3", "#0b69a3", "#0b69a3", 6
		}
		fmt.Fprintf(&out, `<circle cx="%.1f" cy="%.1f" r="%g" fill="%s" stroke="%s" stroke-width="1.5"/>`+"\n", cx, cy, radius, fill, stroke)
		b, anchor, tx := place(cx, cy, width(d), taken)
		taken = append(taken, b)
		weight := "400"
		if d.ours {
			weight = "600"
		}
		if middle := (b.y0 + b.y1) / 2; math.Abs(middle-cy) > 14 {
			fmt.Fprintf(&out, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#9aa5b1" stroke-width="0.8"/>`+"\n", cx, cy, tx, middle)
		}
		fmt.Fprintf(&out, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" font-weight="%s">%s</text>`+"\n", tx, b.y1-4, anchor, text, weight, html.EscapeString(d.label))
	}
	for _, c := range curves {
		last := len(c.PerJob) - 1
		b, anchor, tx := place(x.at(c.PerJob[last]), y.at(c.MeanLag[last]), 6.6*float64(len(c.Text)), taken)
		taken = append(taken, b)
		fmt.Fprintf(&out, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#7b8794" font-style="italic">%s</text>`+"\n", tx, b.y1-4, anchor, html.EscapeString(c.Text))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// ticks returns 1, 2, 5, 10, ... within an axis, or only the powers of ten if the axis
// is long.
func ticks(a axis) (ticks []float64) {
	steps := []float64{1, 2, 5}
	if math.Log10(a.to/a.from) > 3 {
		steps = []float64{1}
	}
	for power := -4.0; power < 7; power++ {
		for _, s := range steps {
			if v := s * math.Pow(10, power); v >= a.from*0.999 && v <= a.to*1.001 {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

// width returns the approximate width of the label of a dot.
func width(d dot) float64 {
	if d.ours {
		return 7.4 * float64(len(d.label))
	}
	return 6.7 * float64(len(d.label))
}

type box struct{ x0, y0, x1, y1 float64 }

func (b box) meets(c box) bool { return b.x0 < c.x1 && c.x0 < b.x1 && b.y0 < c.y1 && c.y0 < b.y1 }

// place finds free space for a label: right or left of a dot, then farther above and
// below.
func place(cx, cy, width float64, taken []box) (b box, anchor string, x float64) {
	for _, dy := range []float64{0, -16, 16, -30, 30, -44, 44, -58, 58, -72, 72, -90, 90} {
		for _, right := range []bool{true, false} {
			b, anchor, x = box{cx + 9, cy - 9 + dy, cx + 9 + width, cy + 8 + dy}, "start", cx+10
			if !right {
				b, anchor, x = box{cx - 9 - width, cy - 9 + dy, cx - 9, cy + 8 + dy}, "end", cx-10
			}
			if b.x0 < plotLeft || b.x1 > plotWidth-2 || b.y0 < plotTop || b.y1 > plotHeight-plotBottom {
				continue
			}
			if !slices.ContainsFunc(taken, b.meets) {
				return b, anchor, x
			}
		}
	}
	return b, anchor, x
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
