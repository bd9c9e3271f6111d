package webhook

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"

	"github.com/reelhook/reelhook/internal/project"
)

// The types of a body, as they are sent in Content-Type.
const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// contract are the eight fields of the original (section 24 of the contract):
// strings, but for the client's own data. The order is part of what we promise.
type contract struct {
	Width      string          `json:"width"`
	Height     string          `json:"height"`
	Duration   string          `json:"duration"`
	Size       string          `json:"size"`
	URL        string          `json:"url"`
	Project    string          `json:"project"`
	ID         string          `json:"id"`
	ClientData json.RawMessage `json:"client-data"`
}

// document is the body with the three fields that the contract tells receivers
// to look at but forgets in its table, in the order of section 24's example.
type document struct {
	Success bool   `json:"success"`
	Status  string `json:"status"`
	Message string `json:"message"`
	contract
}

// newDocument tells how a movie ended. url is empty when there is no file; the
// measures are empty when there never was one.
func newDocument(p project.Project, o project.Outcome, url string) document {
	doc := document{Status: string(o.Status), contract: contract{Project: p.ID, ID: p.MovieID, ClientData: p.ClientData}}
	if len(doc.ClientData) == 0 {
		doc.ClientData = json.RawMessage("{}")
	}
	if o.Status != project.Done {
		doc.Message = o.Message
		return doc
	}
	doc.Success = true
	doc.Width, doc.Height = strconv.Itoa(o.Result.Width), strconv.Itoa(o.Result.Height)
	doc.Duration, doc.Size = seconds(o.Result.Duration), strconv.FormatInt(o.Result.Size, 10)
	doc.URL = url
	return doc
}

// seconds prints a duration to the microsecond, which is all that a probe knows,
// without trailing zeros.
func seconds(x float64) string {
	return strconv.FormatFloat(math.Round(x*1e6)/1e6, 'f', -1, 64)
}

// json writes the document as it is signed and sent. The client's data goes
// through as it was written; nothing is escaped for HTML.
func (doc document) json(strict bool) ([]byte, error) {
	var v any = doc
	if strict {
		v = doc.contract
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// form writes the document in the same order as fields of a form.
func (doc document) form(strict bool) ([]byte, error) {
	var f form
	if !strict {
		f.add("success", doc.Success)
		f.add("status", doc.Status)
		f.add("message", doc.Message)
	}
	f.add("width", doc.Width)
	f.add("height", doc.Height)
	f.add("duration", doc.Duration)
	f.add("size", doc.Size)
	f.add("url", doc.URL)
	f.add("project", doc.Project)
	f.add("id", doc.ID)
	data, err := readJSON(doc.ClientData)
	if err != nil {
		return nil, err
	}
	f.add("client-data", data)
	return f.bytes()
}
