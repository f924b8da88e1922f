package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/download"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

const (
	bulkData    = 50_000 // labeled data in a segment
	bulkRTT     = 20 * time.Millisecond
	bulkWorkers = 8
	pageSize    = 128
	largeFiles  = 200
	largeSize   = 5 << 20
	creates     = 300
	creators    = 50
)

// The Python SDK is not installed where this runs. It listed the same number of data from the
// embedded TensorBay over TLS on loopback in 3.5 s (November 2026, two cores, Python 3). It
// requests one page after the other, so with a round trip of 20 ms each page takes 20 ms more.
const (
	pythonList    = 3500 * time.Millisecond
	pythonListRTT = pythonList + (bulkData+pageSize-1)/pageSize*bulkRTT
)

// A BulkRow compares a figure of package jobs with another one.
type BulkRow struct{ Text, Figure, Other, Ratio string }

// Bulk holds the measurements of many results at once.
type Bulk struct {
	Rows  []BulkRow
	Goals []Goal
}

func (b *Bulk) add(text, figure, other, ratio string) {
	b.Rows = append(b.Rows, BulkRow{text, figure, other, ratio})
}

// goal adds a goal that depends on the machine.
func (b *Bulk) goal(text string, value, limit float64, unit string) {
	b.Goals = append(b.Goals, Goal{Text: "in bulk: " + text, Value: value, Limit: limit, Unit: unit, Machine: true})
}

// An address lets a client reach a server.
type address struct{ URL, Key, PEM string }

// serveEnv makes the test binary serve in place of running tests.
const serveEnv = "BENCH_SERVE"

// serve runs an embedded TensorBay until the standard input ends. It is a process of its own,
// so that its processor time is not that of the client.
func serve() error {
	seed, err := jobstest.ParseSeed([]byte(tensorbayjobs.Seed()))
	if err != nil {
		return err
	}
	list, large := make([]jobstest.SeedData, bulkData), make([]jobstest.SeedData, largeFiles)
	for i := range list {
		list[i] = jobstest.SeedData{RemotePath: fmt.Sprintf("images/%06d.jpg", i), Size: 1000, Label: fmt.Appendf(nil,
			`{"BOX2D":[{"box2d":{"xmin":%d.5,"ymin":20.25,"xmax":1100.75,"ymax":220},"category":"car","attributes":{"occluded":%t},"instance":"i%d"}]}`, i%1000, i%2 == 0, i)}
	}
	content := make([]byte, largeSize)
	for i := range large {
		large[i] = jobstest.SeedData{RemotePath: fmt.Sprintf("%03d.bin", i), Content: content}
	}
	for name, data := range map[string][]jobstest.SeedData{"list": list, "large": large} {
		seed.Datasets = append(seed.Datasets, jobstest.SeedDataset{
			Name:     name,
			Commits:  []jobstest.SeedCommit{{Name: "first", Title: "first", Date: 1, Segments: []jobstest.SeedSegment{{Name: "train", Data: data}}}},
			Branches: []jobstest.SeedRef{{Name: "main", Commit: "first"}},
		})
	}
	server, err := jobstest.NewServer(jobstest.WithSeed(seed), jobstest.WithListener("127.0.0.1:0"), jobstest.WithTLS(), jobstest.WithoutContractCheck())
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(address{server.URL(), server.AccessKey(), string(server.CertificatePEM())}); err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	return server.Close()
}

// startServer starts the server and returns its address.
func startServer(t *testing.T) address {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	check1(t, err)
	out, err := cmd.StdoutPipe()
	check1(t, err)
	check1(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	var a address
	check1(t, json.NewDecoder(out).Decode(&a))
	return a
}

func check1(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A link is a network with a round-trip time. It may refuse signed URLs that expire before a
// time, and counts the requests for new ones.
type link struct {
	next    http.RoundTripper
	rtt     time.Duration
	expired atomic.Int64 // seconds since the epoch
	renewed atomic.Int64
}

func (l *link) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(l.rtt)
	if strings.HasSuffix(r.URL.Path, "/urls") {
		l.renewed.Add(1)
	}
	var expires int64
	if _, err := fmt.Sscan(r.URL.Query().Get("expires"), &expires); err == nil && expires <= l.expired.Load() {
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return l.next.RoundTrip(r)
}

// connect returns a link to the server and a client that uses it.
func (a address) connect(t *testing.T, rtt time.Duration, options ...jobs.Option) (*link, *jobs.Client) {
	t.Helper()
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(a.PEM))
	tcp := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2 * creators}
	t.Cleanup(tcp.CloseIdleConnections)
	l := &link{next: tcp, rtt: rtt}
	client, err := jobs.NewClient(a.Key, append([]jobs.Option{jobs.WithBaseURL(a.URL), jobs.WithHTTPClient(&http.Client{Transport: l})}, options...)...)
	check1(t, err)
	return l, client
}

// contents returns the data of a dataset. The connection exists then.
func contents(t *testing.T, client *jobs.Client, name string) *jobs.Contents {
	t.Helper()
	ds, err := client.Dataset(t.Context(), name)
	check1(t, err)
	c, err := ds.Contents(t.Context(), "")
	check1(t, err)
	return c
}

// A listing is one reading of the list of all data.
type listing struct {
	took, first, cpu time.Duration
	heap             int64 // at most above the start
}

func list(t *testing.T, c *jobs.Contents, heap bool) (l listing) {
	t.Helper()
	n, begin := 0, heapSize(heap)
	start, cpu := time.Now(), processorTime()
	for d, err := range c.Data(t.Context(), "train") {
		check1(t, err)
		if n == 0 {
			l.first = time.Since(start)
		}
		if n++; len(d.Label.Box2D) != 1 {
			t.Fatal("a datum has no label")
		}
		if heap && n%5000 == 0 {
			l.heap = max(l.heap, heapSize(true)-begin)
		}
	}
	l.took, l.cpu = time.Since(start), processorTime()-cpu
	if n != bulkData {
		t.Fatalf("%d of %d data", n, bulkData)
	}
	return l
}

func heapSize(measure bool) int64 {
	if !measure {
		return 0
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// bestOf returns the shortest of three measurements: other processes only lengthen them.
func bestOf(measure func() time.Duration) time.Duration {
	best := measure()
	for range 2 {
		best = min(best, measure())
	}
	return best
}

// bulk measures lists, content and creates.
func (b *bench) bulk() *Bulk {
	server, r := startServer(b.t), &Bulk{}
	b.progress("in bulk: lists")
	b.bulkLists(server, r)
	b.progress("in bulk: expired URLs")
	b.bulkURLs(server, r)
	b.progress("in bulk: downloads")
	b.bulkDownloads(server, r)
	b.progress("in bulk: creates")
	b.bulkCreates(server, r)
	b.progress("in bulk: a service with a rate limit")
	b.bulkLimit(r)
	return r
}

func (b *bench) bulkLists(server address, r *Bulk) {
	_, far := server.connect(b.t, bulkRTT)
	_, alone := server.connect(b.t, bulkRTT, jobs.WithConcurrentPages(1))
	farContents, aloneContents := contents(b.t, far, "list"), contents(b.t, alone, "list")
	first := time.Duration(math.MaxInt64)
	ahead := bestOf(func() time.Duration {
		l := list(b.t, farContents, false)
		first = min(first, l.first)
		return l.took
	})
	sequential := list(b.t, aloneContents, false).took
	what := fmt.Sprintf("list %s labeled data, round trip %s", thousands(bulkData), short(bulkRTT))
	r.add(what, seconds(ahead.Seconds()), "one page after the other: "+seconds(sequential.Seconds()), ratio(sequential, ahead))
	r.goal(what+", relative to one page after the other", ahead.Seconds()/sequential.Seconds(), 1.0/4, "×")
	r.add(what, seconds(ahead.Seconds()), "Python SDK: "+seconds(pythonListRTT.Seconds()), ratio(pythonListRTT, ahead))
	r.goal(what+", relative to the Python SDK", ahead.Seconds()/pythonListRTT.Seconds(), 1.0/5, "×")
	r.add("first item of this list", short(first.Round(100*time.Microsecond)), "round trip: "+short(bulkRTT), ratio(first, bulkRTT))
	r.goal("first item of a list, in round trips", first.Seconds()/bulkRTT.Seconds(), 1.5, "")

	_, near := server.connect(b.t, 0)
	nearContents := contents(b.t, near, "list")
	cpu := time.Duration(math.MaxInt64)
	took := bestOf(func() time.Duration {
		l := list(b.t, nearContents, false)
		cpu = min(cpu, l.cpu)
		return l.took
	})
	r.add("list the same without delay", seconds(took.Seconds()), "Python SDK: "+seconds(pythonList.Seconds()), ratio(pythonList, took))
	perDatum := cpu / bulkData
	decoding, floor := b.decodingTime(server)
	r.add("processor time of the client for a datum, TLS and HTTP/2 included", micros(perDatum), "json.Unmarshal into the same structs: "+micros(floor), ratio(perDatum, floor))
	r.goal("processor time for a datum", perDatum.Seconds()*1e6, 12, "µs")
	r.add("the same with responses from memory", micros(decoding), "json.Unmarshal into the same structs: "+micros(floor), ratio(decoding, floor))
	r.goal("processor time for a datum from memory, relative to json.Unmarshal", decoding.Seconds()/floor.Seconds(), 1.5, "×")
	heap := float64(list(b.t, nearContents, true).heap) / (1 << 20)
	r.add("memory during this list", fmt.Sprintf("%.1f MiB above the start", heap), "", "")
	r.goal("memory during a list", heap, 32, "MiB")
}

func micros(d time.Duration) string { return fmt.Sprintf("%.1f µs", d.Seconds()*1e6) }

// ratio returns how many times a is b.
func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f×", a.Seconds()/b.Seconds()) }

// decodingTime returns the processor time for a datum of a list whose responses are in memory,
// and that of json.Unmarshal.
func (b *bench) decodingTime(server address) (ours, floor time.Duration) {
	var mu sync.Mutex
	bodies := map[string][]byte{}
	l, client := server.connect(b.t, 0)
	next := l.next
	l.next = roundTripper(func(r *http.Request) (*http.Response, error) {
		offset := r.URL.Query().Get("offset")
		if !strings.HasSuffix(r.URL.Path, "/details") {
			return next.RoundTrip(r)
		}
		mu.Lock()
		defer mu.Unlock()
		body, ok := bodies[offset]
		if !ok {
			resp, err := next.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			body, err = io.ReadAll(resp.Body)
			if err != nil {
				return nil, err
			}
			bodies[offset] = body
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
	})
	c := contents(b.t, client, "list")
	list(b.t, c, false) // fills bodies
	ours = bestOf(func() time.Duration { return list(b.t, c, false).cpu })
	floor = bestOf(func() time.Duration {
		n := 0
		start := processorTime()
		for _, body := range bodies {
			var page struct {
				DataDetails []struct {
					RemotePath string     `json:"remotePath"`
					Timestamp  *float64   `json:"timestamp"`
					URL        string     `json:"url"`
					Label      jobs.Label `json:"label"`
				} `json:"dataDetails"`
			}
			check1(b.t, json.Unmarshal(body, &page))
			n += len(page.DataDetails)
		}
		if n != bulkData {
			b.t.Fatalf("%d of %d data", n, bulkData)
		}
		return processorTime() - start
	})
	return ours / bulkData, floor / bulkData
}

func (b *bench) bulkURLs(server address, r *Bulk) {
	l, client := server.connect(b.t, bulkRTT)
	c := contents(b.t, client, "street-scenes")
	segments := 0
	for _, err := range c.Segments(b.t.Context()) {
		check1(b.t, err)
		segments++
	}
	var data []*jobs.Data
	read := func() time.Duration {
		start := time.Now()
		var workers sync.WaitGroup
		next := make(chan *jobs.Data)
		for range bulkWorkers {
			workers.Go(func() {
				for d := range next {
					if _, err := d.Save(b.t.Context(), io.Discard); err != nil {
						b.t.Error(err)
					}
				}
			})
		}
		for _, d := range data {
			next <- d
		}
		close(next)
		workers.Wait()
		return time.Since(start)
	}
	var requests int64
	measure := func(expire bool) time.Duration {
		return bestOf(func() time.Duration {
			data = data[:0]
			for d, err := range c.AllData(b.t.Context()) {
				check1(b.t, err)
				data = append(data, d)
			}
			if expire {
				time.Sleep(2100 * time.Millisecond) // expiry times are rounded up to seconds
				l.expired.Store(time.Now().Add(jobstest.DefaultURLTTL - time.Second).Unix())
			}
			before := l.renewed.Load()
			took := read()
			if requests = l.renewed.Load() - before; expire && requests == 0 {
				b.t.Fatal("no URL has expired")
			}
			return took
		})
	}
	fresh := measure(false)
	expired := measure(true)
	what := fmt.Sprintf("read %s files, %d workers, round trip %s, all URLs expired", thousands(len(data)), bulkWorkers, short(bulkRTT))
	r.add(what, seconds(expired.Seconds()), "fresh URLs: "+seconds(fresh.Seconds()), ratio(expired, fresh))
	r.goal(what+", relative to fresh ones", expired.Seconds()/fresh.Seconds(), 1.2, "×")
	r.add("requests for URLs", fmt.Sprint(requests), fmt.Sprintf("files: %s, segments: %d", thousands(len(data)), segments), "")
	r.Goals = append(r.Goals, Goal{Text: "in bulk: requests for the URLs of the same files", Value: float64(requests), Limit: float64(len(data)/100 + segments)})
}

func (b *bench) bulkDownloads(server address, r *Bulk) {
	_, client := server.connect(b.t, 0)
	c := contents(b.t, client, "large")
	var data []*jobs.Data
	for d, err := range c.AllData(b.t.Context()) {
		check1(b.t, err)
		data = append(data, d)
	}
	folder := func() string {
		dir, err := os.MkdirTemp(b.t.TempDir(), "")
		check1(b.t, err)
		return dir
	}
	plain, ours := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for range 3 { // in turn, because the disk may become slower
		dir := folder()
		plain = min(plain, b.copyLoop(server, dir, data))
		check1(b.t, os.RemoveAll(dir))
		dir = folder()
		start := time.Now()
		var all iter.Seq2[*jobs.Data, error] = func(yield func(*jobs.Data, error) bool) {
			for _, d := range data {
				if !yield(d, nil) {
					return
				}
			}
		}
		for _, err := range download.Files(b.t.Context(), dir, all, download.Options{Workers: bulkWorkers}) {
			check1(b.t, err)
		}
		ours = min(ours, time.Since(start))
		check1(b.t, os.RemoveAll(dir))
	}
	what := fmt.Sprintf("download %d files of %d MiB", largeFiles, largeSize>>20)
	speed := func(d time.Duration) string {
		return fmt.Sprintf("%.0f MiB/s", largeFiles*(largeSize>>20)/d.Seconds())
	}
	r.add(what, speed(ours), "io.Copy with as many workers: "+speed(plain), ratio(plain, ours))
	r.goal(what+": time relative to io.Copy with as many workers", ours.Seconds()/plain.Seconds(), 1/0.9, "×")
}

// copyLoop saves the data with net/http and io.Copy.
func (b *bench) copyLoop(server address, dir string, data []*jobs.Data) time.Duration {
	l, _ := server.connect(b.t, 0)
	client := &http.Client{Transport: l}
	start := time.Now()
	next := make(chan int)
	var workers sync.WaitGroup
	for range bulkWorkers {
		workers.Go(func() {
			for i := range next {
				if err := copyFile(b.t.Context(), client, data[i].URL(), filepath.Join(dir, fmt.Sprint(i))); err != nil {
					b.t.Error(err)
				}
			}
		})
	}
	for i := range data {
		next <- i
	}
	close(next)
	workers.Wait()
	return time.Since(start)
}

func copyFile(ctx context.Context, client *http.Client, url, name string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, resp.Body); err != nil {
		return err
	}
	return file.Close()
}

func (b *bench) bulkCreates(server address, r *Bulk) {
	_, client := server.connect(b.t, bulkRTT)
	ds, err := client.Dataset(b.t.Context(), "street-scenes")
	check1(b.t, err)
	commit, err := ds.Resolve(b.t.Context(), "")
	check1(b.t, err)
	took := bestOf(func() time.Duration {
		start := time.Now()
		var workers sync.WaitGroup
		for range creators {
			workers.Go(func() {
				for range creates / creators {
					_, err := ds.BasicSearch().Create(b.t.Context(), jobs.BasicSearchArgs{Revision: commit.ID, Filters: []jobs.Filter{jobs.HasLabel(true)}})
					if err != nil {
						b.t.Error(err)
					}
				}
			})
		}
		workers.Wait()
		return time.Since(start)
	})
	ideal := creates / creators * bulkRTT
	what := fmt.Sprintf("create %d searches of a commit from %d goroutines, round trip %s", creates, creators, short(bulkRTT))
	r.add(what, seconds(took.Seconds()), "round trips alone: "+seconds(ideal.Seconds()), ratio(took, ideal))
	r.goal(what, took.Seconds(), 1, "s")
}

// write adds a section to a page.
func (r *Bulk) write(p *page) {
	p.block("## How fast are results in bulk?")
	p.block("Measured in real time over TLS on loopback; the embedded TensorBay runs in a process of its own on the same %d cores. "+
		"A round trip is a delay of each request. The last two rows are in virtual time. "+
		"The Python SDK was measured once, in 3.5 s without delay (November 2026, on a machine with two cores); "+
		"it requests one page after the other, so the round trips are added.", runtime.NumCPU())
	var rows [][]string
	for _, row := range r.Rows {
		rows = append(rows, []string{row.Text, row.Figure, row.Other, row.Ratio})
	}
	p.table([]string{"task", "package jobs", "compared with", "ratio"}, rows)
}
