package api

// What can go wrong, in words that say what to check.

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode"

	"noo/internal/kind"
)

// Errors of a configuration.
var (
	ErrNoURL         = kind.New(kind.Usage, "no address of the MESH API")
	ErrURL           = kind.New(kind.Usage, "the address of the MESH API cannot be used")
	ErrNoMailbox     = kind.New(kind.Usage, "no mailbox")
	ErrMailbox       = kind.New(kind.Usage, "the mailbox is no id such as X26HC065")
	ErrNoPassword    = kind.New(kind.Usage, "no password of the mailbox")
	ErrNoSharedKey   = kind.New(kind.Usage, "no shared key of the environment")
	ErrNoCertificate = kind.New(kind.Usage, "no client certificate")
	ErrNoKey         = kind.New(kind.Usage, "no private key of the client certificate")
	ErrExpired       = kind.New(kind.Usage, "the client certificate expired")
)

// Errors of a request. Test for them with errors.Is.
var (
	// ErrAuthentication is an answer 401 or 403: mailbox, password or shared key is wrong.
	ErrAuthentication = errors.New("mailbox, password or shared key is wrong")
	// ErrClock is an answer 403 from a service whose time is another.
	ErrClock = errors.New("the clock of this machine is wrong")
	// ErrClientCertificate is a service that does not accept the client certificate, or wants one.
	ErrClientCertificate = errors.New("the service refused the client certificate")
	// ErrServerCertificate is a service whose own certificate is not trusted.
	ErrServerCertificate = errors.New("the certificate of the service is not trusted")
	// ErrRecipient is an answer 417: no such recipient, or the workflow is not registered for it.
	ErrRecipient = errors.New("the service refused recipient or workflow")
	// ErrBadRequest is an answer 400.
	ErrBadRequest = errors.New("the service refused the headers of the message")
	// ErrRefused is any other answer that is a refusal.
	ErrRefused = errors.New("the service refused the request")
	// ErrNotFound is an answer 404: there is no such message, or no such address.
	ErrNotFound = errors.New("there is no such message")
	// ErrNoAPI is an address at which there is no MESH API.
	ErrNoAPI = errors.New("there is no MESH API at this address")
	// ErrGone is an answer 410: the message was taken away.
	ErrGone = errors.New("the message was taken out of the inbox")
	// ErrRedirect is an answer that names another address. It is not followed.
	ErrRedirect = errors.New("the service names another address")
	// ErrUnavailable is a service that did not answer, or said that it cannot, until the end.
	ErrUnavailable = errors.New("the service is not available")
	// ErrAnswer is an answer that is not as the specification has it.
	ErrAnswer = errors.New("the answer of the service is malformed")
	// ErrMissingChunk is a message of which a chunk is missing.
	ErrMissingChunk = errors.New("a chunk of the message is missing")
	// ErrTooLarge is a message that is larger than the caller accepts.
	ErrTooLarge = errors.New("the message is larger than expected")
	// ErrLocalID is a local id that an earlier message has, which is another one.
	ErrLocalID = errors.New("an earlier message has the same local id")
	// ErrUndelivered is a message that the service could not deliver.
	ErrUndelivered = errors.New("the service could not deliver the message")
	// ErrUnknown is a message of which nobody knows whether the service has it.
	ErrUnknown = errors.New("it is not known whether the service has the message")
	// ErrBusy is a mailbox that another process makes requests for all the time.
	ErrBusy = errors.New("another run of noo uses the mailbox")
	// ErrTimeUp is the end of a Wait that saw nothing.
	ErrTimeUp = errors.New("no answer came in time")
)

// StatusError is an answer of the service that is no success.
type StatusError struct {
	// Status is the status code of HTTP.
	Status int
	// Code is the error code of MESH, such as 12 for an unregistered recipient, or "".
	Code string
	// Description is what the service says, fit to be shown, or "".
	Description string
	// Err is one of the errors of this package.
	Err error
}

// Error returns what went wrong, in one line.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%v (%d", e.Err, e.Status)
	if e.Code != "" {
		text += ", MESH error " + e.Code
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text + ")"
}

// Unwrap returns Err.
func (e *StatusError) Unwrap() error { return e.Err }

// refusals are the errors of the status codes.
var refusals = map[int]error{
	http.StatusBadRequest:          ErrBadRequest,
	http.StatusUnauthorized:        ErrAuthentication,
	http.StatusForbidden:           ErrAuthentication,
	http.StatusNotFound:            ErrNotFound,
	http.StatusGone:                ErrGone,
	http.StatusExpectationFailed:   ErrRecipient,
	http.StatusMultipleChoices:     ErrLocalID,
	http.StatusRequestTimeout:      ErrUnavailable,
	http.StatusTooEarly:            ErrUnavailable,
	http.StatusTooManyRequests:     ErrUnavailable,
	http.StatusInternalServerError: ErrUnavailable,
	http.StatusBadGateway:          ErrUnavailable,
	http.StatusServiceUnavailable:  ErrUnavailable,
	http.StatusGatewayTimeout:      ErrUnavailable,
}

// furthest is how far the time of a client may be from that of the service.
const furthest = 2 * time.Hour

// refusal returns the error of an answer that is no success.
func (c *Client) refusal(a *answer) error {
	e := &StatusError{Status: a.status, Err: refusals[a.status]}
	e.Code, e.Description = c.described(a)
	switch {
	case e.Err == nil && a.status >= 300 && a.status < 400:
		e.Err = ErrRedirect
	case e.Err == nil && a.status >= 400:
		e.Err = ErrRefused
	case e.Err == nil:
		e.Err = ErrAnswer
	case e.Err == ErrAuthentication && doesNotExist(e):
		e.Err = ErrNotFound // the specification names 403 for it, and the service says 404
	case e.Err == ErrAuthentication:
		if off := c.clockOff(a); off != 0 {
			return fmt.Errorf("%w by about %v; the service accepts 2h", ErrClock, off)
		}
		e.Err = seemsWrong(e.Description)
	}
	return e
}

// unauthorised is an ErrAuthentication that says more.
type unauthorised string

func (u unauthorised) Error() string        { return string(u) }
func (u unauthorised) Is(target error) bool { return target == ErrAuthentication }

// seemsWrong says which of mailbox, password and shared key seems wrong, by what the service says.
func seemsWrong(description string) error {
	description = strings.ToLower(description)
	switch {
	case strings.Contains(description, "mailbox"):
		return unauthorised("the mailbox seems wrong")
	case strings.Contains(description, "token"):
		return unauthorised("the password or the shared key seems wrong")
	}
	return ErrAuthentication
}

// at returns an error with its place before it, or nil for nil.
func at(what, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, name, err)
}

// errorCode is the form of the error codes of MESH: 12, EPL-150, InvalidHeaderChunks.
var errorCode = regexp.MustCompile(`^([A-Za-z]{1,32}|[A-Za-z]{0,8}-?[0-9]{1,4})$`)

// doesNotExist reports whether the service says that there is no such message.
func doesNotExist(e *StatusError) bool {
	return e.Code == "20" || strings.Contains(strings.ToLower(e.Description), "does not exist")
}

// clockOff returns how far the clock of this machine is from the time of an answer, in whole
// minutes, or 0 if the service accepts it.
func (c *Client) clockOff(a *answer) time.Duration {
	at, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return 0
	}
	// The service reads minutes, and the answer took a while.
	if off := c.now().Sub(at).Abs().Round(time.Minute); off >= furthest-2*time.Minute {
		return off
	}
	return 0
}

// described returns what the service says of an error. All else in the body is left out.
func (c *Client) described(a *answer) (code, description string) {
	var first struct {
		Code        string          `json:"errorCode"`
		Description string          `json:"errorDescription"`
		Detail      json.RawMessage `json:"detail"`
	}
	var details []struct {
		Code    string `json:"code"`
		Message string `json:"msg"`
	}
	if json.Unmarshal(a.body, &first) != nil {
		return "", ""
	}
	if json.Unmarshal(first.Detail, &details) == nil && len(details) > 0 {
		first.Code, first.Description = details[0].Code, details[0].Message
	}
	if !errorCode.MatchString(first.Code) {
		first.Code = ""
	}
	return first.Code, shown(c.without(first.Description))
}

// transportError says why no answer came, without the address, which may hold a local id.
func (c *Client) transportError(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return fmt.Errorf("%w: %s", ErrServerCertificate, certificateProblem(untrusted.Err))
	case refusesCertificate(err):
		return fmt.Errorf("%w: %s", ErrClientCertificate, shown(err.Error()))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errClosed
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w: it speaks http and not https", ErrUnavailable)
	}
	if failed, ok := errors.AsType[net.Error](err); ok && failed.Timeout() {
		return fmt.Errorf("%w: it did not answer in time", ErrUnavailable)
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, shown(c.without(quotable(err))))
}

// quotable returns the text of an error if it is of the network, of TLS or the refusal of a proxy.
// That of any other may quote what the service said, which may be part of a body.
func quotable(err error) string {
	text := err.Error()
	if _, ok := errors.AsType[*net.OpError](err); ok || strings.HasPrefix(text, "tls: ") {
		return text
	}
	for status := 400; status < 600; status++ {
		if text == http.StatusText(status) {
			return "the proxy says: " + text
		}
	}
	return "its answer is no HTTP"
}

// errClosed is a service that closed the connection in the place of an answer.
var errClosed = fmt.Errorf("%w: it closed the connection", ErrUnavailable)

// errMaybeRefused is an ErrClientCertificate that nobody can be sure of.
type errMaybeRefused struct{}

func (errMaybeRefused) Error() string {
	return "the service closed the connection, as if it refuses the client certificate"
}
func (errMaybeRefused) Is(target error) bool { return target == ErrClientCertificate }

// certificateProblem says what is wrong with the certificate of the service.
func certificateProblem(err error) string {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return "an unknown authority signed it"
	case errors.As(err, &name):
		return "it is for another host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it is expired or not yet valid"
	}
	return "it cannot be verified"
}

// refusesCertificate reports whether an error is an alert of the other side about the client's
// certificate (RFC 8446, section 6). crypto/tls has no type for alerts, only texts.
func refusesCertificate(err error) bool {
	alert, ok := errors.AsType[*net.OpError](err)
	if !ok || alert.Op != "remote error" || alert.Err == nil {
		return false
	}
	text := alert.Err.Error()
	return strings.Contains(text, "certificate") || strings.Contains(text, "access denied") ||
		strings.Contains(text, "handshake failure") // for a missing certificate in TLS 1.2
}

// printable replaces what would not stay in its place on a terminal by a blank.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return ' '
	}
	return r
}
