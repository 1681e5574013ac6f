package main

// Keys with which scripts encrypt snapshots, made anew for every script.

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
)

// ageKey writes an identity of age to NAME.txt and sets the variable NAME to its recipient,
// which is in NAME.pub too: agekey NAME [PASSWORD]. With a password, NAME.txt is encrypted with it.
func ageKey(ts *testscript.TestScript, _ bool, args []string) {
	identity, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Setenv(args[0], identity.Recipient().String())
	public := "# a recipient\n" + identity.Recipient().String() + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), []byte(public), 0o600))
	file, err := os.OpenFile(ts.MkAbs(args[0]+".txt"), os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer file.Close()
	text := "# made for a test\n" + identity.String() + "\n"
	if len(args) == 1 {
		_, err = file.WriteString(text)
		ts.Check(err)
		return
	}
	password, err := age.NewScryptRecipient(args[1])
	ts.Check(err)
	password.SetWorkFactor(10)
	armored := armor.NewWriter(file)
	w, err := age.Encrypt(armored, password)
	ts.Check(err)
	_, err = w.Write([]byte(text))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(armored.Close())
}

// sshKey writes an SSH key pair to NAME and NAME.pub, and sets the variable NAME to the public key:
// sshkey ed25519|rsa NAME [PASSWORD].
func sshKey(ts *testscript.TestScript, _ bool, args []string) {
	var private any
	var public ssh.PublicKey
	if args[0] == "rsa" {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		ts.Check(err)
		private = key
		public, err = ssh.NewPublicKey(&key.PublicKey)
		ts.Check(err)
	} else {
		half, key, err := ed25519.GenerateKey(rand.Reader)
		ts.Check(err)
		private = key
		public, err = ssh.NewPublicKey(half)
		ts.Check(err)
	}
	var block *pem.Block
	var err error
	if len(args) == 3 {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "test", []byte(args[2]))
	} else {
		block, err = ssh.MarshalPrivateKey(private, "test")
	}
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(block), 0o600))
	line := ssh.MarshalAuthorizedKey(public)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".pub"), line, 0o600))
	ts.Setenv(args[1], string(line[:len(line)-1]))
}
