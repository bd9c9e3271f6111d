// Command go receives webhooks: it believes only what is signed, stores it
// before it answers, and works afterwards. It is an example to copy and knows
// nothing of Reelhook but package webhook, which has no dependency either.
//
//	WEBHOOK_SECRET=whsec_… STORE=webhooks PORT=8080 go run .
package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reelhook/reelhook/webhook"
)

const limit = 1 << 20 // bytes of a body; a movie's is about one kilobyte

// receiver stores what is signed with one of its keys.
type receiver struct {
	keys  []webhook.Verifier // two while a secret is changed
	store string             // a folder
}

func (rc receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The bytes as they came: parsed and written again a body may differ.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		http.Error(w, "the body is too large or broke off", http.StatusRequestEntityTooLarge)
		return
	}
	if err := webhook.Verify(r.Header, body, rc.keys...); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	first, err := rc.keep(r.Header.Get(webhook.HeaderID), body)
	if err != nil {
		log.Print(err)
		http.Error(w, "not stored", http.StatusInternalServerError) // Reelhook tries again later
		return
	}
	fmt.Fprint(w, "ok")

	if first {
		go work(body) // better a worker that goes through the store
	}
}

// keep puts the body on the disk and says whether the id is new.
func (rc receiver) keep(id string, body []byte) (first bool, err error) {
	file, err := os.CreateTemp(rc.store, "new-*")
	if err != nil {
		return false, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if _, err := file.Write(body); err != nil {
		return false, err
	}
	if err := file.Sync(); err != nil {
		return false, err
	}
	// A link appears whole or not at all, and never over another: an id is stored once, even
	// when it comes twice at a time. The id is hashed since it need not be a file's name.
	err = os.Link(file.Name(), filepath.Join(rc.store, fmt.Sprintf("%x", sha256.Sum256([]byte(id)))))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	folder, errFolder := os.Open(rc.store)
	if errFolder != nil {
		return false, errFolder
	}
	defer folder.Close()
	return err == nil, folder.Sync()
}

// work is where yours begins. Content-Type is not signed, so the body itself
// tells what it is.
func work(body []byte) {
	var movie struct{ URL, Project string }
	if strings.HasPrefix(string(body), "{") {
		if err := json.Unmarshal(body, &movie); err != nil {
			log.Print(err)
			return
		}
	} else if form, err := url.ParseQuery(string(body)); err == nil {
		movie.URL, movie.Project = form.Get("url"), form.Get("project")
	}
	log.Print(movie.URL, " ", movie.Project)
}

func main() {
	log.SetFlags(0)
	rc := receiver{store: cmp.Or(os.Getenv("STORE"), "webhooks")}
	for text := range strings.SplitSeq(os.Getenv("WEBHOOK_SECRET"), " ") {
		secret, err := webhook.ParseSecret(text)
		if err != nil {
			log.Fatal("WEBHOOK_SECRET: ", err)
		}
		rc.keys = append(rc.keys, secret)
	}
	if err := os.MkdirAll(rc.store, 0o700); err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s/", listener.Addr())
	server := http.Server{Handler: rc, ReadTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}
