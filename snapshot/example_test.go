package snapshot_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"aead.dev/minisign"

	"noo/snapshot"
)

// A publisher builds and signs a snapshot. Somebody who trusts the publisher's key opens it, asks
// whether it may be used now, and looks people up by the first nine digits of their numbers.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "snapshot")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "optouts.noo")

	key, err := snapshot.GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	manifest := snapshot.Manifest{
		Publisher: "Example Trust", Scope: snapshot.National,
		Created: time.Now(), ValidUntil: time.Now().Add(7 * 24 * time.Hour),
	}
	optedOut := snapshot.NewSet(943476591, 983604450)
	if _, err := snapshot.Write(file, manifest, snapshot.Sets{OptedOut: optedOut}, key); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}

	opened, err := snapshot.Open(path, []minisign.PublicKey{key.Public().(minisign.PublicKey)})
	if err != nil {
		log.Fatal(err)
	}
	if err := (snapshot.Policy{MaxAge: 24 * time.Hour}).Check(opened); err != nil {
		log.Fatal(err)
	}
	fmt.Println(opened.Manifest().Publisher)
	fmt.Println(opened.Standing(943476591))
	fmt.Println(opened.Standing(999560964))

	_, err = snapshot.Open(path, nil)
	fmt.Println("without the key:", errors.Is(err, snapshot.ErrRefused))
	// Output:
	// Example Trust
	// opted_out
	// clear
	// without the key: true
}
