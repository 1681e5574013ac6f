package chunks

import (
	"strings"
	"testing"
)

func TestChunks(t *testing.T) {
	text := "a,b\n1,\"x\ny\"\n" + strings.Repeat("2,z\n", 50) + "3,\"" + strings.Repeat("long\n", 40) + "\"\n4,w"
	for _, test := range []struct {
		name  string
		rules Rules
		ctrlZ string
	}{
		{"quotes", Rules{Feed: '\n', Quoting: true, Quote: '"'}, ""},
		{"Ctrl-Z", Rules{Feed: '\n', Quoting: true, Quote: '"'}, "\x1a"},
		{"CRLF alone", Rules{Feed: '\n', CRLF: true}, ""},
		{"a record end of its own", Rules{Feed: 'z'}, ""},
		{"as the reader of records says", Rules{Whole: func(data []byte) int { return strings.LastIndex(string(data), "\n2") + 1 }}, ""},
	} {
		for _, size := range []int{1, 7, 64, 1000} {
			t.Run(test.name, func(t *testing.T) {
				test.rules.Size, test.rules.Ahead = size, 2
				source := New(strings.NewReader(text+test.ctrlZ), test.rules)
				var all strings.Builder
				for seq := 0; ; seq++ {
					c, err := source.Next()
					if err != nil {
						t.Fatal(err)
					}
					if c == nil {
						break
					}
					if c.Seq != seq || c.TooLong {
						t.Errorf("chunk %d is number %d, too long: %t", seq, c.Seq, c.TooLong)
					}
					if whole := test.rules.Quoting && strings.Count(string(c.Data), `"`)%2 == 0; test.rules.Quoting && !whole {
						t.Errorf("cut inside quotes: %q", c.Data)
					}
					all.Write(c.Data)
					source.Recycle(c)
				}
				if all.String() != text || string(source.CtrlZ()) != test.ctrlZ {
					t.Errorf("%q and %q come out", all.String(), source.CtrlZ())
				}
			})
		}
	}
}

func TestTooLong(t *testing.T) {
	source := New(strings.NewReader(strings.Repeat("x", MaxRecord+5)), Rules{Size: 1 << 20, Feed: '\n'})
	c, err := source.Next()
	if err != nil || !c.TooLong {
		t.Fatalf("%v", err)
	}
	if c, err := source.Next(); c != nil || err != nil {
		t.Error("there is more", err)
	}
}
