package pager

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	rtt      = 20 * time.Millisecond
	pageSize = 128
)

// A service is a list that counts its requests. before is called before each response, with
// the lock held, and may change the items.
type service struct {
	mu                   sync.Mutex
	items                []string
	before               func(request int, s *service)
	total                func(items int) int
	requests             int
	active, most, served int // requests at the same time, and responses
}

func numbered(prefix string, n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf("%s%05d", prefix, i)
	}
	return items
}

func (s *service) read(ctx context.Context, offset int) Page[string] {
	s.mu.Lock()
	s.requests++
	request := s.requests
	s.active++
	s.most = max(s.most, s.active)
	s.mu.Unlock()
	select {
	case <-time.After(rtt):
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	if ctx.Err() != nil {
		return Page[string]{Err: ctx.Err()}
	}
	s.served++
	if s.before != nil {
		s.before(request, s)
	}
	from, to := min(offset, len(s.items)), min(offset+pageSize, len(s.items))
	total := len(s.items)
	if s.total != nil {
		total = s.total(total)
	}
	return Page[string]{Items: slices.Clone(s.items[from:to]), Total: total, Fail: func(err error) error { return err }}
}

func itself(s string) string { return s }

// list reads the list with four pages ahead, to its end or until it has enough items.
func list(ctx context.Context, s *service, enough int) (items []string, err error) {
	for item, err := range List(ctx, 4, s.read, itself) {
		if err != nil {
			return items, err
		}
		if items = append(items, item); len(items) == enough {
			break
		}
	}
	return items, nil
}

func checkUnique(t *testing.T, items []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, item := range items {
		if seen[item] {
			t.Fatalf("%s was yielded twice", item)
		}
		seen[item] = true
	}
}

func checkContains(t *testing.T, items, want []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, item := range items {
		seen[item] = true
	}
	for _, item := range want {
		if !seen[item] {
			t.Fatalf("%s was not yielded", item)
		}
	}
}

func TestList_YieldsAllItemsInOrder(t *testing.T) {
	for _, n := range []int{0, 1, pageSize - 1, pageSize, pageSize + 1, 1000, 50_000} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{items: numbered("", n)}
			items, err := list(t.Context(), s, -1)
			if err != nil || !slices.Equal(items, s.items) {
				t.Errorf("%d of %d items, %v", len(items), n, err)
			}
			if pages := max(1, (n+pageSize-1)/pageSize); s.requests != pages {
				t.Errorf("%d requests for %d pages", s.requests, pages)
			}
			if s.most > 1+4 {
				t.Errorf("%d requests at the same time", s.most)
			}
		})
	}
}

func TestList_RequestsPagesWhileTheCallerWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{items: numbered("", 50_000)}
		start := time.Now()
		first := time.Duration(0)
		for range List(t.Context(), 4, s.read, itself) {
			if first == 0 {
				first = time.Since(start)
			}
		}
		if first != rtt {
			t.Errorf("the first item came after %v", first)
		}
		sequential := 391 * rtt
		if took := time.Since(start); took > sequential/5+5*rtt {
			t.Errorf("%v, one page after the other %v", took, sequential)
		}
	})
}

func TestList_StopsWithTheCaller(t *testing.T) {
	for enough, requests := range map[int]int{1: 2, 10: 2, pageSize: 2, pageSize + 1: 4} {
		synctest.Test(t, func(t *testing.T) {
			s := &service{items: numbered("", 50_000)}
			items, err := list(t.Context(), s, enough)
			if err != nil || len(items) != enough || s.requests != requests {
				t.Errorf("%d items cost %d requests, %v", len(items), s.requests, err)
			}
			if s.active != 0 {
				t.Errorf("%d requests are in progress after the loop", s.active)
			}
		})
	}
}

func TestList_WithoutPrefetchReadsOnePageAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{items: numbered("", 1000)}
		for range List(t.Context(), -1, s.read, itself) {
		}
		if s.most != 1 || s.requests != 8 {
			t.Errorf("%d requests, %d at the same time", s.requests, s.most)
		}
	})
}

func TestList_EndsWithoutRequestsInProgress(t *testing.T) {
	t.Run("panic of the caller", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &service{items: numbered("", 1000)}
			defer func() {
				if v := recover(); v != "enough" || s.active != 0 {
					t.Errorf("recovered %v, %d requests in progress", v, s.active)
				}
			}()
			for range List(t.Context(), 4, s.read, itself) {
				panic("enough")
			}
		})
	})
	t.Run("cancellation", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &service{items: numbered("", 10_000)}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			for _, err := range List(ctx, 4, s.read, itself) {
				if err != nil {
					if !errors.Is(err, context.Canceled) || n%pageSize != 0 || n < 300 {
						t.Errorf("%v after %d items", err, n)
					}
					break
				}
				if n++; n == 300 {
					cancel()
				}
			}
			if s.active != 0 {
				t.Errorf("%d requests in progress", s.active)
			}
		})
	})
	t.Run("error of a page", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &service{items: numbered("", 10_000)}
			broken := errors.New("broken")
			n := 0
			for _, err := range List(t.Context(), 4, func(ctx context.Context, offset int) Page[string] {
				if offset == 3*pageSize {
					return Page[string]{Err: broken}
				}
				return s.read(ctx, offset)
			}, itself) {
				if err == nil {
					n++
				} else if !errors.Is(err, broken) {
					t.Error(err)
				}
			}
			if n != 3*pageSize || s.active != 0 {
				t.Errorf("%d items, %d requests in progress", n, s.active)
			}
		})
	})
}

// A request ahead runs in a goroutine of its own, but code of the caller that it runs must
// not end the program.
func TestList_APanicOfReadReachesTheCaller(t *testing.T) {
	s := &service{items: numbered("", 1000)}
	for name, fail := range map[string]func(){"panic": func() { panic("broken") }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			n, done, recovered := 0, make(chan struct{}), any(nil)
			go func() {
				defer close(done)
				defer func() { recovered = recover() }()
				for range List(t.Context(), 4, func(ctx context.Context, offset int) Page[string] {
					if offset == 2*pageSize {
						fail()
					}
					return s.read(ctx, offset)
				}, itself) {
					n++
				}
				t.Error("the list ended")
			}()
			<-done
			if n != 2*pageSize || name == "panic" && recovered != "broken" {
				t.Errorf("%d items, recovered %v", n, recovered)
			}
		})
	}
}

func TestList_ToleratesChangesBetweenPages(t *testing.T) {
	for name, change := range map[string]struct {
		before func(request int, s *service)
		remain func([]string) []string // must be yielded
	}{
		"items added at the front": {
			func(request int, s *service) {
				if request > 1 && request < 20 {
					s.items = append(numbered(fmt.Sprintf("new%d-", request), 50), s.items...)
				}
			},
			func(items []string) []string { return items },
		},
		"items removed at the front": {
			func(request int, s *service) {
				if request > 1 && request < 12 {
					s.items = s.items[20:]
				}
			},
			func(items []string) []string { return items[200:] },
		},
		"items removed at the end": {
			func(request int, s *service) {
				if request > 1 && request < 12 {
					s.items = s.items[:len(s.items)-20]
				}
			},
			func(items []string) []string { return items[:len(items)-200] },
		},
		"all items removed": {
			func(request int, s *service) {
				if request == 4 {
					s.items = nil
				}
			},
			func(items []string) []string { return items[:pageSize] },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{items: numbered("", 3000), before: change.before}
				items, err := list(t.Context(), s, -1)
				if err != nil {
					t.Fatal(err)
				}
				checkUnique(t, items)
				checkContains(t, items, change.remain(numbered("", 3000)))
			})
		})
	}
}

func TestList_EndsDespiteAWrongTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{items: numbered("", 200), total: func(int) int { return 1 << 30 }}
		items, err := list(t.Context(), s, -1)
		if err != nil || len(items) != 200 || s.requests > 10 {
			t.Errorf("%d items, %d requests, %v", len(items), s.requests, err)
		}
		n := 0
		alternating := &service{items: numbered("", 300), total: func(int) int { n++; return 300 - 200*(n%2) }}
		if _, err := list(t.Context(), alternating, -1); err != nil || alternating.requests > 40 {
			t.Errorf("%d requests, %v", alternating.requests, err)
		}
	})
}

func TestList_EndsIfTheServiceRepeatsAPage(t *testing.T) {
	var requests atomic.Int64
	n := 0
	var last error
	for _, err := range List(t.Context(), 4, func(context.Context, int) Page[string] {
		requests.Add(1)
		return Page[string]{Items: []string{"a", "b"}, Total: 1_000_000, Fail: func(err error) error { return err }}
	}, itself) {
		if last = err; err == nil {
			n++
		}
	}
	const want = "the list of 1000000 does not end: 9 pages, the last 8 of them without new items"
	if n != 2 || last == nil || last.Error() != want {
		t.Errorf("%d items, %v", n, last)
	}
	if requests.Load() > 9+4 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestList_HoldsFewPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{items: numbered("", 50_000)}
		n := 0
		for range List(t.Context(), 4, s.read, itself) {
			if n++; n%1000 == 0 {
				time.Sleep(time.Second) // a slow caller
				s.mu.Lock()
				if ahead := s.served - n/pageSize; ahead > 6 {
					t.Errorf("%d pages are held", ahead)
				}
				s.mu.Unlock()
			}
		}
	})
}

// FuzzList reads a list whose pages are arbitrary but do not change. Two bytes describe the
// page at an offset: its size and its total.
func FuzzList(f *testing.F) {
	for _, script := range []string{"", "\x00\x00", "\x80\x80\x80\x80", "\x01\x7f\x01\x7f", "\xff\xff", "\x05\xff\x05\x00\x05\xff", "\x80\x01\x00\xff"} {
		f.Add([]byte(script), uint8(3))
	}
	f.Fuzz(func(t *testing.T, script []byte, kinds uint8) {
		var mu sync.Mutex
		var requests int
		served := map[string]bool{}
		read := func(_ context.Context, offset int) Page[string] {
			mu.Lock()
			defer mu.Unlock()
			requests++
			page := Page[string]{Fail: func(err error) error { return err }}
			if pairs := len(script) / 2; pairs > 0 {
				at := 2 * (offset / 7 % pairs)
				page.Items, page.Total = make([]string, script[at]), (int(script[at+1])-64)*64
			}
			for i := range page.Items {
				page.Items[i] = fmt.Sprint((offset + i) % (int(kinds)*64 + 1))
				served[page.Items[i]] = true
			}
			return page
		}
		collect := func(ahead int) (items []string, last error) {
			requests = 0
			for item, err := range List(t.Context(), ahead, read, itself) {
				if err != nil {
					return items, err
				}
				items = append(items, item)
			}
			return items, nil
		}
		items, err := collect(-1)
		checkUnique(t, items)
		if len(items) != len(served) {
			t.Errorf("%d of %d items", len(items), len(served))
		}
		// At most maxStalePages pages in a row bring no new item.
		if limit := (len(items) + 1) * (maxStalePages + 1); requests > limit {
			t.Errorf("%d requests, at most %d", requests, limit)
		}
		sequential := requests
		ahead, aheadErr := collect(4)
		if !slices.Equal(items, ahead) || (err == nil) != (aheadErr == nil) {
			t.Errorf("pages ahead change the list: %d items and %v, not %d and %v", len(ahead), aheadErr, len(items), err)
		}
		if requests > 5*sequential {
			t.Errorf("%d requests, without pages ahead %d", requests, sequential)
		}
	})
}
