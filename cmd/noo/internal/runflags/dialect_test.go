package runflags

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestDialects: each dialect sets flags that there are, to what they accept, less those that the
// user sets, and docs/dialects.md says so.
func TestDialects(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/dialects.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) {
			var reading Reading
			cmd := &cobra.Command{}
			reading.Add(cmd)
			if err := cmd.Flags().Set("quote", "single"); err != nil {
				t.Fatal(err)
			}
			reading.dialect = d.name
			if err := reading.applyDialect(); err != nil {
				t.Fatal(err)
			}
			for words := strings.Fields(d.flags); len(words) > 1; words = words[2:] {
				flag := cmd.Flags().Lookup(strings.TrimPrefix(words[0], "--"))
				if flag.Name == "quote" {
					continue
				}
				said := flag.Value.String()
				named := map[string]string{"tab": "\t", "comma": ",", "space": " "}[words[1]]
				if said != words[1] && said != named {
					t.Errorf("%s is %q", words[0], said)
				}
			}
			if reading.CSV.Quote != '\'' || reading.CSV.NoQuote {
				t.Error("--quote single does not hold")
			}
			if row := "| `" + d.name + "` | `" + d.flags + "` |"; !strings.Contains(string(page), row) {
				t.Errorf("docs/dialects.md lacks the row %s", row)
			}
		})
	}
}
