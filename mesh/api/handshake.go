package api

// The handshake: it proves the set-up, and tells the service that the mailbox is in use.

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"strings"
)

// Handshake asks the service whether it accepts mailbox, password, shared key and certificate. The
// service wants it once in 24 hours. A service that cannot be reached is an error at once.
func (c *Client) Handshake(ctx context.Context) error {
	return at("mailbox", c.config.Mailbox, c.handshake(ctx))
}

func (c *Client) handshake(ctx context.Context) error {
	header := http.Header{}
	header.Set("Mex-ClientVersion", "noo=="+c.config.Version)
	header.Set("Mex-OSName", runtime.GOOS)
	header.Set("Mex-OSVersion", osVersion())
	header.Set("Mex-OSArchitecture", runtime.GOARCH)
	waits := pause{client: c}
	for {
		_, asked, err := c.once(ctx, call{
			method: http.MethodPost, header: header, most: mostJSON,
		})
		if err == nil {
			return nil
		}
		_, answered := errors.AsType[*StatusError](err)
		switch {
		case errors.Is(err, ErrNotFound):
			return ErrNoAPI
		case err == errClosed && strings.HasPrefix(c.base, "https:"):
			// In TLS 1.3 a server looks at the certificate after the handshake of TLS, and some
			// close the connection before the reason arrives.
			return errMaybeRefused{}
		case !answered || !errors.Is(err, ErrUnavailable):
			return err
		}
		if err := waits.after(ctx, err, asked); err != nil {
			return err
		}
	}
}

// osVersion returns the release of the kernel, where it is in a file.
func osVersion() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}
