package s3

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/reelhook/reelhook/internal/export"
)

const (
	defaultRegion = "us-east-1"
	// maxPresign is how long a link signed with SigV4 may be good for.
	maxPresign = 7 * 24 * time.Hour
	// maxKey and maxMetadata are S3's bounds, in bytes ("Object key names", "User-
	// defined object metadata"). maxText is ours for other settings.
	maxKey, maxMetadata, maxText = 1024, 2048, 1024
	// maxSecret leaves room for session tokens, which are long.
	maxSecret = 16 << 10
)

var (
	awsRegion    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	regionName   = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	word         = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	metadataName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
)

// destination is what settings say: bucket, access-key and secret-key are needed
// (or access-key-id and secret-access-key), with session-token for keys that
// expire; endpoint, region and path-style say where the bucket is; key, or
// remote-path and file, where in it. content-type, cache-control,
// content-disposition, storage-class, acl, metadata, sse and sse-kms-key-id go with
// the object. presign, a time, makes the receipt's URL one that opens for so long,
// public-url is what stands before the key in one that is open to all.
type destination struct {
	endpoint       *url.URL
	region, bucket string
	pathStyle      bool
	access         string
	secret, token  string
	client         *minio.Core

	place export.Place
	// target is the key as it was asked for, a folder when the file has no name yet.
	target    string
	put       minio.PutObjectOptions
	presign   time.Duration
	publicURL string
	// public tells that the object is made readable for all.
	public bool
	create bool
}

// read reads settings; name is the file's when they say nothing, and requests are
// made by transport. The error is a Refusal.
func (c *Carrier) read(s export.Settings, name string, transport http.RoundTripper) (*destination, error) {
	d := &destination{create: s.Bool("create-bucket", false)}
	if err := d.readWhere(s); err != nil {
		return nil, err
	}
	if err := d.readLogin(s); err != nil {
		return nil, err
	}
	if err := d.readPlace(s, name); err != nil {
		return nil, err
	}
	if err := d.readObject(s); err != nil {
		return nil, err
	}
	if err := d.readLink(s); err != nil {
		return nil, err
	}
	return d, d.connect(c, transport)
}

// readWhere reads what leads to the bucket.
func (d *destination) readWhere(s export.Settings) error {
	d.region, d.bucket = s.Text("region"), s.Text("bucket")
	at := s.Text("endpoint")
	switch {
	case at == "" && s.Has("endpoint"):
		return export.Refusal(`"endpoint" must be an https URL`)
	case d.region != "" && !regionName.MatchString(d.region):
		return export.Refusal(`"region" must be the name of a region, such as us-east-1`)
	case at == "" && d.region != "" && !awsRegion.MatchString(d.region):
		return export.Refusal(`"endpoint" is missing: without one the store is Amazon's, which has no region "` + d.region + `"`)
	case d.bucket == "":
		return export.Refusal(`The destination has no bucket; set "bucket" to its name`)
	}
	if err := s3utils.CheckValidBucketName(d.bucket); err != nil || len(d.bucket) > 63 {
		return export.Refusal(`"bucket" must be a bucket's name: 3 to 63 letters, digits, dots and hyphens`)
	}
	if at == "" {
		at = "https://s3." + cmp.Or(d.region, defaultRegion) + ".amazonaws.com"
	} else if !strings.Contains(at, "://") {
		at = "https://" + at
	}
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.User != nil || len(at) > maxText {
		return export.Refusal(`"endpoint" must be an https URL, such as https://s3.example.org`)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return export.Refusal(`"endpoint" must be the store's address alone, such as https://s3.example.org; the bucket belongs in "bucket"`)
	}
	u.Path = ""
	d.endpoint = u
	d.region = cmp.Or(d.region, s3utils.GetRegionFromURL(*u), defaultRegion)
	d.pathStyle = s.Bool("path-style", !s3utils.IsVirtualHostSupported(*u, d.bucket))
	return nil
}

func (d *destination) readLogin(s export.Settings) error {
	secret := func(names ...string) string {
		for _, name := range names {
			if s.Has(name) {
				return strings.TrimSpace(s.Secret(name)) // keys have none, but are pasted with it
			}
		}
		return ""
	}
	d.access = secret("access-key", "access-key-id")
	d.secret = secret("secret-key", "secret-access-key")
	d.token = secret("session-token")
	switch {
	case d.access == "":
		return export.Refusal(`The destination has no "access-key"`)
	case d.secret == "":
		return export.Refusal(`The destination has no "secret-key"`)
	case !printable(d.access, maxText) || strings.Contains(d.access, "/"):
		return export.Refusal(`"access-key" is no access key`)
	case len(d.secret) > maxSecret:
		return export.Refusal(fmt.Sprintf(`"secret-key" is longer than %d bytes`, maxSecret))
	case !printable(d.token, maxSecret):
		return export.Refusal(`"session-token" is no session token`)
	}
	return nil
}

// readPlace reads the key. It may be said at once, or as folder and file as other
// destinations do.
func (d *destination) readPlace(s export.Settings, name string) (err error) {
	field := "file"
	if s.Has("key") {
		if strings.HasSuffix(s.Text("key"), "/") {
			field = "remote-path"
		}
		s = maps.Clone(s)
		delete(s, "file")
		delete(s, "remote-path")
		s[field] = s["key"]
	}
	d.place, d.target, err = s.Target(name)
	d.target = strings.TrimPrefix(d.target, "/")
	switch {
	case err != nil && s.Has("key"):
		return export.Refusal(strings.ReplaceAll(err.Error(), `"`+field+`"`, `"key"`))
	case err != nil:
		return err
	case len(key(d.place)) > maxKey:
		return export.Refusal(fmt.Sprintf("The object's key is longer than %d bytes", maxKey))
	}
	return nil
}

// key is the object's key for a place. A store has no root to begin at.
func key(p export.Place) string { return strings.TrimPrefix(p.Path(), "/") }

// readObject reads what goes with the object.
func (d *destination) readObject(s export.Settings) error {
	for name, to := range map[string]*string{
		"content-type": &d.put.ContentType, "cache-control": &d.put.CacheControl, "content-disposition": &d.put.ContentDisposition,
	} {
		if *to = s.Text(name); !printable(*to, maxText) {
			return export.Refusal(fmt.Sprintf(`"%s" must be at most %d characters of plain ASCII`, name, maxText))
		}
	}
	d.put.StorageClass = strings.ToUpper(s.Text("storage-class"))
	acl := strings.ToLower(s.Text("acl"))
	for name, text := range map[string]string{"storage-class": d.put.StorageClass, "acl": acl} {
		if text != "" && !word.MatchString(text) {
			return export.Refusal(fmt.Sprintf(`"%s" must be one word, such as %s`, name, map[string]string{"acl": "public-read", "storage-class": "STANDARD_IA"}[name]))
		}
	}
	d.public = strings.HasPrefix(acl, "public-read")
	metadata, err := readMetadata(s["metadata"])
	if err != nil {
		return err
	}
	if acl != "" {
		metadata["X-Amz-Acl"] = acl // where the library looks for it
	}
	d.put.UserMetadata = metadata
	return d.readEncryption(s)
}

// readMetadata reads an object of texts as headers of an object's metadata.
func readMetadata(raw json.RawMessage) (map[string]string, error) {
	headers := map[string]string{}
	if len(raw) == 0 {
		return headers, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return nil, export.Refusal(`"metadata" must be an object of texts`)
	}
	size := 0
	for name, raw := range members {
		text := export.Text(raw)
		if !metadataName.MatchString(name) || strings.ContainsFunc(text, isControl) || text == "" && string(raw) != `""` {
			return nil, export.Refusal(`"metadata" must be an object of texts, with names of letters, digits, "-", "_" and "."`)
		}
		text = mime.QEncoding.Encode("utf-8", text) // RFC 2047, as S3 itself answers it
		headers[metadataPrefix+name] = text
		size += len(name) + len(text)
	}
	if size > maxMetadata {
		return nil, export.Refusal(fmt.Sprintf(`"metadata" is larger than %d bytes`, maxMetadata))
	}
	return headers, nil
}

// metadataPrefix is that of the headers that hold metadata.
const metadataPrefix = "X-Amz-Meta-"

func (d *destination) readEncryption(s export.Settings) (err error) {
	id := s.Text("sse-kms-key-id")
	if !printable(id, maxText) {
		return export.Refusal(`"sse-kms-key-id" is no key's id`)
	}
	switch strings.ToLower(s.Text("sse")) {
	case "":
		return nil
	case "aes256":
		d.put.ServerSideEncryption = encrypt.NewSSE()
	case "aws:kms":
		d.put.ServerSideEncryption, err = encrypt.NewSSEKMS(id, nil)
	default:
		return export.Refusal(`"sse" must be AES256 or aws:kms`)
	}
	return err
}

// readLink reads what the receipt's URL is to be.
func (d *destination) readLink(s export.Settings) error {
	if s.Has("presign") {
		text := s.Text("presign")
		if n, err := strconv.Atoi(text); err == nil {
			text = strconv.Itoa(n) + "s"
		}
		var err error
		if d.presign, err = time.ParseDuration(text); err != nil || d.presign < time.Second || d.presign > maxPresign {
			return export.Refusal(`"presign" must be a time from 1s to 168h (7 days), such as 24h, or a number of seconds`)
		}
	}
	base := s.Text("public-url")
	if base == "" {
		return nil
	}
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(base) > maxText {
		return export.Refusal(`"public-url" must be a URL without user name and query, such as https://cdn.example.org/movies`)
	}
	if d.presign > 0 {
		return export.Refusal(`"presign" and "public-url" cannot both be set: each says what the movie's URL is`)
	}
	d.publicURL = strings.TrimSuffix(u.String(), "/") + "/"
	return nil
}

// connect makes the client; it reaches nothing yet.
func (d *destination) connect(c *Carrier, transport http.RoundTripper) (err error) {
	lookup := minio.BucketLookupDNS
	if d.pathStyle {
		lookup = minio.BucketLookupPath
	}
	d.client, err = minio.NewCore(d.endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(d.access, d.secret, d.token),
		Secure: d.endpoint.Scheme == "https", Transport: transport, Region: d.region, BucketLookup: lookup,
		MaxRetries: 1, // tries are made above
	})
	if err != nil {
		return export.Refusal(`"endpoint" is no address of a store`)
	}
	d.client.SetAppInfo("Reelhook", cmp.Or(c.Version, "unknown"))
	// The library reaches Amazon by names of its own; let them be what was asked for.
	d.client.SetS3EnableDualstack(strings.Contains(d.endpoint.Host, ".dualstack."))
	return nil
}

// url is where an object is, for those who may read it.
func (d *destination) url(key string) string {
	at := *d.endpoint
	path := "/" + s3utils.EncodePath(key)
	if d.pathStyle {
		path = "/" + d.bucket + path
	} else {
		at.Host = d.bucket + "." + at.Host
	}
	return at.String() + path
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// printable tells whether a text is short enough and fit for a header.
func printable(text string, most int) bool {
	return len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// Settings are the names of those that are read of an S3 destination, beside export.Shared.
func Settings() []string {
	return []string{
		"bucket", "region", "endpoint", "access-key", "access-key-id", "secret-key", "secret-access-key", "session-token",
		"path-style", "create-bucket", "key", "remote-path", "file", "if-exists", "content-type", "cache-control", "content-disposition",
		"storage-class", "acl", "metadata", "sse", "sse-kms-key-id", "presign", "public-url",
	}
}
