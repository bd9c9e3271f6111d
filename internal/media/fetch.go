package media

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/cache"
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Limits bound what one movie may fetch. A field that is zero has the value of
// DefaultLimits.
type Limits struct {
	// MaxBytes is the largest video or sound; a video is a legal source of
	// sound, so the two have one limit. MaxImage is the largest picture. A font
	// may always have 20 MiB.
	MaxBytes, MaxImage int64
	// MaxTotal bounds all downloads of one movie together.
	MaxTotal int64
	// TotalTime bounds all downloads of one movie together, Timeout one of them
	// with all its attempts, Stall the time in which nothing arrives.
	TotalTime, Timeout, Stall time.Duration
	// MinRate is how many bytes a second an answer must bring on average once it
	// has been coming for as long as Grace: a server that drips never stalls.
	MinRate int64
	Grace   time.Duration
	// PerHost and All are how many downloads of one movie run at once. They are
	// counted per movie, so that one movie's slow host holds up no other.
	PerHost, All int
	// Attempts at one download, the first included. Backoff is the wait before
	// the second; it doubles each time.
	Attempts int
	Backoff  time.Duration
	// MaxDuration is the longest medium: sound is decoded whole.
	MaxDuration time.Duration
}

// DefaultLimits suit a server that takes movies from strangers.
func DefaultLimits() Limits {
	return Limits{
		MaxBytes:    2 << 30,
		MaxImage:    500 << 20,
		MaxTotal:    8 << 30,
		TotalTime:   15 * time.Minute,
		Timeout:     10 * time.Minute,
		Stall:       20 * time.Second,
		MinRate:     16_000,
		Grace:       30 * time.Second,
		PerHost:     4,
		All:         8,
		Attempts:    4,
		Backoff:     500 * time.Millisecond,
		MaxDuration: 4 * time.Hour,
	}
}

// maxFont is the largest font: CJK fonts reach 20 MB, and the text drawer holds
// one in memory.
const maxFont = 20 << 20

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{
		MaxBytes:    cmp.Or(l.MaxBytes, d.MaxBytes),
		MaxImage:    cmp.Or(l.MaxImage, d.MaxImage),
		MaxTotal:    cmp.Or(l.MaxTotal, d.MaxTotal),
		TotalTime:   cmp.Or(l.TotalTime, d.TotalTime),
		Timeout:     cmp.Or(l.Timeout, d.Timeout),
		Stall:       cmp.Or(l.Stall, d.Stall),
		MinRate:     cmp.Or(l.MinRate, d.MinRate),
		Grace:       cmp.Or(l.Grace, d.Grace),
		PerHost:     cmp.Or(l.PerHost, d.PerHost),
		All:         cmp.Or(l.All, d.All),
		Attempts:    cmp.Or(l.Attempts, d.Attempts),
		Backoff:     cmp.Or(l.Backoff, d.Backoff),
		MaxDuration: cmp.Or(l.MaxDuration, d.MaxDuration),
	}
}

// bytes is the largest file for a use.
func (l Limits) bytes(u Use) int64 {
	switch u {
	case Font:
		return maxFont
	case Image:
		return l.MaxImage
	}
	return l.MaxBytes
}

// Options are what a fetcher is made of.
type Options struct {
	// Policy says which addresses may be reached. Its AllowHTTP is about
	// endpoints and does not matter here: media may always be plain http.
	Policy safehttp.Policy
	// RootCAs are trusted in place of the system's, nil for the system's.
	RootCAs *x509.CertPool
	Tools   *ffmpeg.Tools
	Limits  Limits
	// Probe bounds each look into a file, its pixels included. Zero is
	// ffmpeg.DefaultLimits with a minute on the clock and half of the memory, so
	// that what is only just looked into can be rendered.
	Probe ffmpeg.Limits
	// Folder, when set, is where a URL without a scheme is a path in. Only a
	// movie of one's own may be given one.
	Folder string
	// Version is that of this program, for what is remembered of sources.
	Version string
	// Log gets a line for each source; nil logs nothing.
	Log *slog.Logger
}

// Fetcher gets sources onto the disk. It may serve several movies at once.
type Fetcher struct {
	Options
	client *http.Client
	// probes is one for each core: a probe is a process.
	probes slots
}

// probeMemory is the address space, in bytes, of one look into a file.
const probeMemory = 3 << 30

// New makes a fetcher.
func New(o Options) *Fetcher {
	o.Limits = o.Limits.orDefault()
	if o.Probe == (ffmpeg.Limits{}) {
		o.Probe = ffmpeg.DefaultLimits()
		o.Probe.Wall, o.Probe.CPU, o.Probe.Memory = time.Minute, time.Minute, probeMemory
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Policy.AllowHTTP = true
	client := o.Policy.Client(safehttp.Options{RootCAs: o.RootCAs, Redirects: redirects, PerHost: o.Limits.PerHost})
	check := client.CheckRedirect
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		// What a signed URL holds is not the next host's business.
		req.Header.Del("Referer")
		return check(req, via)
	}
	return &Fetcher{Options: o, client: client, probes: make(slots, runtime.NumCPU())}
}

// userAgent is sent with every request; many hosts turn away Go's own.
const userAgent = "Reelhook (+https://github.com/reelhook/reelhook)"

// redirects is how many of them are followed.
const redirects = 5

// Order is what one movie wants to have fetched.
type Order struct {
	// Dir is where files go that are not kept, under names of our own.
	Dir string
	// Lease is where they are kept, nil for nowhere.
	Lease *cache.Lease
	// Fresh are the URLs that are fetched although they are kept.
	Fresh map[string]bool
	Wants []Want
	// OnProgress, which may be nil, is told how many sources are done, one call at
	// a time.
	OnProgress func(done, total int)
}

// Fetch gets all sources onto the disk, each URL once however many wants name it,
// and returns an asset or an error for every want. The error is an *Error when
// the source is to blame, the context's cause when ctx ended, and otherwise a
// fault of this machine.
func (f *Fetcher) Fetch(ctx context.Context, o Order) (map[Want]Asset, map[Want]error) {
	assets, faults := map[Want]Asset{}, map[Want]error{}
	dir, err := filepath.Abs(o.Dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		for _, w := range o.Wants {
			faults[w] = err
		}
		return assets, faults
	}
	o.Dir = dir
	r := &run{Fetcher: f, Order: o, all: make(slots, f.Limits.All), budget: &budget{left: f.Limits.MaxTotal}, deadline: time.Now().Add(f.Limits.TotalTime)}
	sources := r.group(o.Wants)
	r.hosts = r.perHost(sources)
	var mu sync.Mutex
	var done int
	var wg sync.WaitGroup
	for _, s := range sources {
		wg.Go(func() {
			r.get(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			for _, w := range s.wants {
				if asset, err := r.asset(s, w.Use); err != nil {
					faults[w] = err
				} else {
					assets[w] = asset
				}
			}
			if done++; o.OnProgress != nil {
				o.OnProgress(done, len(sources))
			}
		})
	}
	wg.Wait()
	return assets, faults
}

// source is one distinct URL: what it is wanted for, and what came of it.
type source struct {
	address
	wants []Want
	fresh bool
	found found
	err   error
}

// group brings wants of one address together, in the order they came.
func (r *run) group(wants []Want) []*source {
	var list []*source
	known := map[string]*source{}
	seen := map[Want]bool{}
	for _, w := range wants {
		if seen[w] {
			continue
		}
		seen[w] = true
		at := resolve(w.URL, r.Folder != "")
		if known[at.url] == nil {
			known[at.url] = &source{address: at}
			list = append(list, known[at.url])
		}
		s := known[at.url]
		s.wants, s.fresh = append(s.wants, w), s.fresh || r.Fresh[w.URL]
	}
	return list
}

// run is one call of Fetch.
type run struct {
	*Fetcher
	Order
	all    slots
	hosts  map[string]slots
	budget *budget
	// deadline is when downloads end, done or not.
	deadline time.Time
}

func (r *run) perHost(sources []*source) map[string]slots {
	hosts := map[string]slots{}
	for _, s := range sources {
		if h := s.host(); hosts[h] == nil {
			hosts[h] = make(slots, r.Limits.PerHost)
		}
	}
	return hosts
}

// get brings one source here and looks into it.
func (r *run) get(ctx context.Context, s *source) {
	began := time.Now()
	var file stored
	switch s.how {
	case inFolder:
		file, s.err = r.open(s)
	case inline:
		file, s.err = r.decode(s)
	default:
		file, s.err = r.download(ctx, s)
	}
	if s.err == nil {
		s.found, s.err = r.inspect(ctx, s, file)
	}
	if ctx.Err() != nil {
		s.err = context.Cause(ctx)
		return
	}
	attrs := []any{slog.String("url", s.shown()), slog.Int64("bytes", file.size), slog.Int("attempts", file.attempts), slog.Duration("took", time.Since(began))}
	if s.err != nil {
		r.Log.Info("source refused", append(attrs, slog.String("error", s.err.Error()))...)
		return
	}
	r.Log.Debug("source fetched", append(attrs, slog.String("format", s.found.format.Name))...)
}

// limit is the largest file that any of the wants allows.
func (r *run) limit(s *source) int64 {
	var n int64
	for _, w := range s.wants {
		n = max(n, r.Limits.bytes(w.Use))
	}
	return n
}

// slots bound how many do something at once.
type slots chan struct{}

// take waits for a slot; the error is the context's cause.
func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s slots) free() { <-s }
