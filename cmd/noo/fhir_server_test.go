package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveFHIR serves the files in a folder to a script, and sets FHIR to the address: fhirserver DIR.
// The query page=2 answers with the file NAME.2, and a path /status/503 with this status. In the
// files, BASE is the address. If the folder has a file token, requests without it are refused.
func serveFHIR(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fhirserver DIR")
	}
	dir := ts.MkAbs(args[0])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := os.ReadFile(path.Join(dir, "token"))
		if err == nil && r.Header.Get("Authorization") != "Bearer "+strings.TrimSpace(string(token)) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if status, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/")); err == nil {
			w.WriteHeader(status)
			return
		}
		name := path.Join(dir, path.Clean("/"+r.URL.Path))
		if page := r.URL.Query().Get("page"); page != "" {
			name += "." + page
		}
		text, err := os.ReadFile(name)
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/fhir+json")
		_, _ = w.Write([]byte(strings.ReplaceAll(string(text), "BASE", "http://"+r.Host)))
	}))
	ts.Defer(server.Close)
	ts.Setenv("FHIR", server.URL)
}
