package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/reelhook/reelhook/internal/export/exporttest/gateway"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
	"github.com/reelhook/reelhook/internal/export/exporttest/vsftpd"
)

// couriers starts the servers. What a client needs beside its command line is
// written into the working folder.
func (b *bench) couriers(h *host) []courier {
	return []courier{b.byFTP(h), b.bySFTP(h), b.byS3(h)}
}

func (b *bench) byFTP(h *host) courier {
	s := vsftpd.Start(h, "127.0.0.1")
	settings := s.Settings()
	settings["file"] = "ours.bin"
	script := filepath.Join(b.dir, "lftp.rc")
	put(h, script, fmt.Sprintf("set ftp:ssl-allow no\nopen -u '%s,%s' ftp://%s:%d\nput upload.bin -o theirs.bin\n",
		settings["username"], vsftpd.Password, s.Host, s.Port))
	return courier{"ftp", "lftp put", func(string) []string { return []string{"lftp", "-f", script} }, settings,
		[2]string{s.Path("ours.bin"), s.Path("theirs.bin")}}
}

// bySFTP compares with put -f, which has the server put the file on its disk, as
// we do.
func (b *bench) bySFTP(h *host) courier {
	s := sshd.Start(h, []string{"ed25519"})
	settings := s.Settings(h)
	settings["file"] = "ours.bin"
	key, script := filepath.Join(b.dir, "sftp.key"), filepath.Join(b.dir, "sftp.batch")
	put(h, key, sshd.PrivateKey(h, "ed25519", ""))
	put(h, script, "put -f upload.bin theirs.bin\n")
	command := []string{"sftp", "-q", "-b", script, "-i", key, "-P", fmt.Sprint(s.Addr.Port), "-oStrictHostKeyChecking=no",
		"-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR", "-oIdentitiesOnly=yes", s.User + "@127.0.0.1"}
	return courier{"sftp", "sftp put -f", func(string) []string { return command }, settings,
		[2]string{s.Path("ours.bin"), s.Path("theirs.bin")}}
}

func (b *bench) byS3(h *host) courier {
	s := gateway.Start(h, h.TempDir(), "", "")
	settings := s.Settings()
	settings["key"] = "ours.bin"
	config := filepath.Join(b.dir, "s3cmd.cfg")
	put(h, config, fmt.Sprintf("[default]\naccess_key = %s\nsecret_key = %s\nhost_base = %s\nhost_bucket = %[3]s\nuse_https = False\nbucket_location = %s\n",
		gateway.Access, gateway.Secret, s.Addr, gateway.Region))
	command := []string{"s3cmd", "-q", "-c", config, "put", "upload.bin", "s3://" + gateway.Bucket + "/theirs.bin"}
	return courier{"s3", "s3cmd put", func(string) []string { return command }, settings,
		[2]string{s.Path("ours.bin"), s.Path("theirs.bin")}}
}

func put(h *host, path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.Fatal(err)
	}
}
