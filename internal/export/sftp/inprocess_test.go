package sftp

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
)

// inProcess is a server for what OpenSSH's does not do: other ways to log in, and
// answers that are wrong.
type inProcess struct {
	config   *ssh.ServerConfig
	handlers sftp.Handlers
	// subsystem answers a request for SFTP, nil serves the handlers.
	subsystem func(ssh.Channel)
	refuse    bool // refuses SFTP

	mu     sync.Mutex
	logins []string // the passwords that were offered
}

func (s *inProcess) offered(password string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins = append(s.logins, password)
	if password != sshd.Password {
		return errors.New("no")
	}
	return nil
}

// byPassword takes the password as such.
func (s *inProcess) byPassword() {
	s.config.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		return nil, s.offered(string(password))
	}
}

// byAsking takes the answers to questions (RFC 4256).
func (s *inProcess) byAsking(questions ...string) {
	s.config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		echos := make([]bool, len(questions))
		for i, q := range questions {
			echos[i] = strings.HasPrefix(q, "Name")
		}
		answers, err := ask("", "", questions, echos)
		if err != nil || len(answers) == 0 {
			return nil, errors.New("no answer")
		}
		if _, err := ask("", "", nil, nil); err != nil { // as PAM ends its talk
			return nil, err
		}
		return nil, s.offered(answers[0])
	}
}

func newInProcess(hostKey string) *inProcess {
	s := &inProcess{config: &ssh.ServerConfig{}, handlers: sftp.InMemHandler()}
	key, err := ssh.NewSignerFromKey(sshd.Key(hostKey))
	if err != nil {
		panic(err)
	}
	s.config.AddHostKey(key)
	return s
}

// start serves until the test is over and returns settings that log in.
func (s *inProcess) start(t *testing.T) map[string]any {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { s.serve(conn) })
			t.Cleanup(func() { conn.Close() })
		}
	})
	return map[string]any{
		"host": "127.0.0.1", "port": l.Addr().(*net.TCPAddr).Port, "username": "u", "password": sshd.Password,
		"host-key": ssh.FingerprintSHA256(sshd.PublicKey("ed25519")),
	}
}

func (s *inProcess) serve(conn net.Conn) {
	defer conn.Close()
	c, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	defer c.Close()
	go ssh.DiscardRequests(requests)
	for open := range channels {
		channel, requests, err := open.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem" && !s.refuse, nil)
				if r.Type == "subsystem" && !s.refuse {
					go s.files(channel)
				}
			}
		}()
	}
}

func (s *inProcess) files(channel ssh.Channel) {
	defer channel.Close()
	if s.subsystem != nil {
		s.subsystem(channel)
		return
	}
	_ = sftp.NewRequestServer(channel, s.handlers).Serve()
}

// liar tells another size of every file.
type liar struct{ sftp.FileLister }

func (l liar) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	list, err := l.FileLister.Filelist(r)
	return lies{list}, err
}

type lies struct{ sftp.ListerAt }

func (l lies) ListAt(infos []os.FileInfo, at int64) (int, error) {
	n, err := l.ListerAt.ListAt(infos, at)
	for i := range infos[:n] {
		infos[i] = lie{infos[i]}
	}
	return n, err
}

type lie struct{ os.FileInfo }

func (l lie) Size() int64 { return l.FileInfo.Size() / 2 }

// refuser answers every write with an error.
type refuser struct {
	sftp.FileWriter
	err error
}

func (r refuser) Filewrite(q *sftp.Request) (io.WriterAt, error) {
	_, err := r.FileWriter.Filewrite(q)
	return refusing{r.err}, err
}

type refusing struct{ err error }

func (r refusing) WriteAt([]byte, int64) (int, error) { return 0, r.err }

// mute takes everything and answers nothing.
func mute(channel ssh.Channel) { _, _ = io.Copy(io.Discard, channel) }

// racer lets another file come up under the name that a file is to be given, just
// before that is done, and renames over what is there.
type racer struct {
	sftp.FileCmder
	put  sftp.FileWriter
	once sync.Once
}

func (r *racer) Filecmd(q *sftp.Request) error {
	if q.Method == "Link" || q.Method == "Rename" {
		r.once.Do(func() { r.write(q.Target) })
	}
	if q.Method == "Rename" {
		return r.FileCmder.(sftp.PosixRenameFileCmder).PosixRename(q)
	}
	return r.FileCmder.Filecmd(q)
}

func (r *racer) write(name string) {
	q := sftp.NewRequest("Put", name)
	q.Flags = 0x1a // to write, creat and truncate
	if w, err := r.put.Filewrite(q); err == nil {
		_, _ = w.WriteAt([]byte("another"), 0)
	}
}
