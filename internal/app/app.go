package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/blob"
	"github.com/reelhook/reelhook/internal/draw"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/ffmpeg"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
	"github.com/reelhook/reelhook/internal/render"
	"github.com/reelhook/reelhook/internal/seal"
	"github.com/reelhook/reelhook/internal/signing"
	"github.com/reelhook/reelhook/internal/sqlite"
)

// How many webhooks are sent at once, and how many of them to one endpoint: a
// slow one never fills the workers, which mostly wait.
const (
	DeliverWorkers     = 512
	DeliverPerEndpoint = 64
	// DeliverReserve is how many workers are kept for first attempts.
	DeliverReserve = 128
	// TransferWorkers is how many uploads and emails are under way at once, and
	// TransfersPerServer how many of them to one server: many servers take no more.
	TransferWorkers    = 16
	TransfersPerServer = 4
)

// GCPercent is how much garbage may gather beside what is in use. A server holds
// little, and collecting half as often saves a tenth of a delivery's CPU.
const GCPercent = 200

// fetchAhead is how many movies may have their sources fetched beside those that
// are rendered.
const fetchAhead = 8

// longestDrain is how long a stop waits for what is running, longestReplies how
// much of that is for requests: a client that stands still must not take the
// time from jobs.
const (
	longestDrain   = 25 * time.Second
	longestReplies = 5 * time.Second
)

// App is a server that is ready to run: its database is open and its port taken.
type App struct {
	Options
	// MadeKey is the API key that was made because there was none, "" otherwise.
	// It is stored only as a hash, so this is the one time to show it.
	MadeKey string

	listener net.Listener
	db       *sqlite.DB
	worker   *render.Worker
	jobs     *queue.Dispatcher
	server   *http.Server
	// background runs beside the jobs, until they have ended.
	background []func(context.Context)
	undo       []func() error
}

// New opens everything a server needs. The error says what is missing and what
// to do. Close gives up an App that is not run.
func New(ctx context.Context, o Options) (_ *App, err error) {
	a := &App{Options: o.withDefaults()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := a.open(ctx); err != nil {
		return nil, err
	}
	tools, texts, err := a.tools(ctx)
	if err != nil {
		return nil, err
	}
	return a, a.wire(ctx, tools, texts)
}

// tools finds what renders. Both are processes that are tried out, which is most
// of what a start takes; so both at once.
func (a *App) tools(ctx context.Context) (tools *ffmpeg.Tools, texts *draw.Drawer, err error) {
	finding, ctx := errgroup.WithContext(ctx)
	finding.Go(func() (err error) {
		tools, err = ffmpeg.Find(ctx)
		return err
	})
	finding.Go(func() (err error) {
		texts, err = draw.New(ctx, a.cacheFolder())
		return err
	})
	if err := finding.Wait(); err != nil {
		return nil, nil, err
	}
	a.Log.Info("found FFmpeg", "version", tools.Version, "sandboxed", tools.Sandboxed())
	if !tools.Sandboxed() {
		a.Log.Warn("FFmpeg runs without a sandbox: bubblewrap is missing or not permitted here", "install", "apt-get install bubblewrap")
	}
	return tools, texts, nil
}

// open takes the data folder and the port.
func (a *App) open(ctx context.Context) (err error) {
	if a.Data, err = filepath.Abs(a.Data); err != nil {
		return err
	}
	if err := os.MkdirAll(a.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if a.db, err = sqlite.Open(ctx, DatabasePath(a.Data), sqlite.Options{Log: a.Log, Fault: a.Fault}); err != nil {
		return err
	}
	a.undo = append(a.undo, a.db.Close)
	if a.listener, err = net.Listen("tcp", a.Listen); err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --listen", a.Listen, err)
	}
	a.undo = append(a.undo, a.freePort)
	return nil
}

// DatabasePath is where a data folder keeps its database.
func DatabasePath(data string) string { return filepath.Join(data, "reelhook.db") }

// cacheFolder is where a data folder keeps what can be made again.
func (a *App) cacheFolder() string { return filepath.Join(a.Data, "cache") }

// wire builds the parts, from the bottom up.
func (a *App) wire(ctx context.Context, tools *ffmpeg.Tools, texts *draw.Drawer) error {
	files, err := blob.NewDir(filepath.Join(a.Data, "files"))
	if err != nil {
		return err
	}
	a.undo = append(a.undo, files.Close)
	base := a.URL()
	fileURL := func(key string) string { return base + "/files/" + key }
	s, err := a.secrets(ctx)
	if err != nil {
		return err
	}
	meters := newMeters()
	exports, err := a.exports(ctx, s, meters, files, fileURL)
	if err != nil {
		return err
	}
	if a.worker, err = a.renderer(ctx, tools, texts, files, exports); err != nil {
		return err
	}
	a.jobs = queue.New(queue.Options{Store: a.db, Log: a.Log, Kinds: map[queue.Kind]queue.KindOptions{
		project.Render:  {Worker: a.worker, Workers: a.RenderWorkers + fetchAhead},
		export.Deliver:  {Worker: exports, Workers: DeliverWorkers, PerGroup: DeliverPerEndpoint, Reserve: DeliverReserve, Gate: exports.Gate},
		export.Transfer: {Worker: exports, Workers: TransferWorkers, PerGroup: TransfersPerServer},
		export.Recover:  {Worker: export.Recoverer{Log: a.db, Logger: a.Log, Now: time.Now}},
	}})
	meters.watch(a.jobs)
	a.db.OnJobs(func(jobs []queue.Job) { a.jobs.Add(jobs...) })
	a.background = append(a.background, exports.Keep, func(ctx context.Context) { s.masters.finish(ctx, a.Log) }, export.Retention{
		Cleaner: a.db, Age: a.LogRetention, Bytes: a.LogSize, Log: a.Log, Now: time.Now}.Run)
	keys, made, err := account.Load(ctx, account.Options{Store: a.db, Fixed: a.APIKey, Now: time.Now})
	if err != nil {
		return err
	}
	a.MadeKey = made
	stopping := make(chan struct{})
	a.server = &http.Server{
		Handler: api.New(api.Options{
			Projects: a.db, Keys: keys, Files: files, FileURL: fileURL, Progress: a.worker.Progress, Cancel: a.worker.Cancel,
			Watch: a.worker.Watch, Stopping: stopping,
			Deliveries: a.db, Hooks: exports, Signing: announced{s.rings, exports}, Sending: exports.Sending, Conceal: s.conceal,
			Planner:     planner{a.worker.Renderer, a.worker.Folder},
			Connections: connections{s.vault, exports, s.masters}, PublicURL: base, Metrics: meters.handler(),
			Ready: a.db.Ping, Log: a.Log, Now: time.Now, Version: a.Version,
		}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	a.server.RegisterOnShutdown(sync.OnceFunc(func() { close(stopping) }))
	return nil
}

// renderer builds what makes movies. Scratch that a crash left is removed.
func (a *App) renderer(ctx context.Context, tools *ffmpeg.Tools, texts *draw.Drawer, files blob.Store, exports *export.Pipeline) (*render.Worker, error) {
	scratch := filepath.Join(a.Data, "work")
	if err := os.RemoveAll(scratch); err != nil {
		return nil, fmt.Errorf("clear scratch folder: %w", err)
	}
	kept, err := openCache(a.cacheFolder(), a.CacheSize)
	if err != nil {
		return nil, err
	}
	version, err := program()
	if err != nil {
		return nil, err
	}
	fetcher := media.New(media.Options{
		Policy: a.policy(false), Tools: tools, RootCAs: a.RootCAs,
		Limits: a.MediaLimits, Version: version, Log: a.Log,
	})
	options := render.Options{
		Tools: tools, Fetcher: fetcher, Texts: texts, Movies: a.RenderWorkers, Memory: renderMemory(), Cache: kept, Version: version,
	}
	options.Encoder = render.ChooseEncoder(ctx, options, a.Encoder, a.Log)
	return &render.Worker{
		Renderer: render.New(options),
		Projects: a.db, Exports: exports, Files: files, Folder: scratch, Log: a.Log, Now: time.Now,
	}, nil
}

// URL is the base of every link this server gives out.
func (a *App) URL() string { return a.publicURL(a.listener.Addr()) }

// Addr is the address served on.
func (a *App) Addr() net.Addr { return a.listener.Addr() }

// Run serves until ctx ends, then drains: no new requests are taken, running
// attempts finish, renderings are put back. It closes the App.
func (a *App) Run(ctx context.Context) error {
	jobs, stopJobs := context.WithCancel(context.WithoutCancel(ctx))
	defer stopJobs()
	worked, served := make(chan error, 1), make(chan error, 1)
	go func() { worked <- a.work(jobs) }()
	go func() { served <- a.server.Serve(a.listener) }()
	a.Log.Info("serving", "address", a.listener.Addr().String(), "url", a.URL(), "data", a.Data, "version", a.Version)
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	}
	a.Log.Info("stopping")
	stopJobs()
	return errors.Join(failed, a.drain(context.WithoutCancel(ctx), worked), a.Close())
}

// work runs the jobs until ctx ends and they have, then what runs beside them.
func (a *App) work(ctx context.Context) error {
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, run := range a.background {
		running.Go(func() { run(beside) })
	}
	err := a.jobs.Run(ctx)
	stop()
	running.Wait()
	return err
}

// drain waits for running requests and jobs, but not for ever.
func (a *App) drain(ctx context.Context, worked <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, longestDrain)
	defer cancel()
	replies, stop := context.WithTimeout(ctx, longestReplies)
	defer stop()
	if err := a.server.Shutdown(replies); err != nil {
		a.Log.Warn("broke off requests that would not end")
		a.server.Close()
	}
	select {
	case err := <-worked:
		return err
	case <-ctx.Done():
		a.Log.Warn("gave up waiting for running work; what was interrupted is done again at the next start")
		return nil
	}
}

// freePort gives the port up; a server that ran on it has done so already.
func (a *App) freePort() error {
	if err := a.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Close releases what New took, the last first. Run has done so when it returns.
func (a *App) Close() (err error) {
	for _, undo := range slices.Backward(a.undo) {
		err = errors.Join(err, undo())
	}
	a.undo = nil
	return err
}

// Secrets reads the signing keys of a data folder, also while a server runs on
// it. masterKeys are those of its flag, if it has any.
func Secrets(ctx context.Context, data string, masterKeys []string) ([]signing.Key, error) {
	db, err := sqlite.OpenReadOnly(ctx, DatabasePath(data))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(masterKeyPath(data)); len(masterKeys) == 0 && errors.Is(err, os.ErrNotExist) {
		masterKeys = []string{seal.New()} // nothing is to be made here; it opens what is not sealed, and no other
	}
	masters, err := loadMasterKeys(masterKeys, data)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	keys, err := sealedKeys{db, masters}.SigningKeys(ctx, "")
	if err == nil && len(keys) == 0 {
		err = errors.New("no secret is stored here: the server was started with --webhook-secret")
	}
	return keys, errors.Join(err, db.Close())
}
