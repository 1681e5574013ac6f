package inputs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"noo/formats"
)

// tableLayouts are folders as the real writers lay them out: deltalake 1.6, pyiceberg 0.12, Spark
// with Hudi 0.15, pypaimon 2.1 and DuckDB 1.5 with ducklake. The first file of each is one with
// rows.
var tableLayouts = map[string][]string{
	"Delta Lake": {
		"part=1/part-00000-2995d2d2-a965-4f6c-a925-5453c16f128c-c000.zstd.parquet",
		"part=1/part-00000-c716a97a-4925-4701-8631-64193503b956-c000.snappy.parquet",
		"_change_data/part=1/part-00000-9931fed5-277a-4c1b-acb9-332fd02cf1fb-c000.zstd.parquet",
		"_delta_log/00000000000000000000.json",
		"_delta_log/00000000000000000001.json",
	},
	"Apache Iceberg": {
		"data/00000-0-7893c5e6-5373-4bd0-840b-d798184e9fd2.parquet",
		"data/00000-0-fd15b920-0697-4684-96c2-0d8ac7bbf6e0.parquet",
		"metadata/00000-e07c20a2-0848-4d58-a11d-c39f34b33f54.metadata.json",
		"metadata/7893c5e6-5373-4bd0-840b-d798184e9fd2-m0.avro",
		"metadata/snap-1005269437229118863-0-7893c5e6-5373-4bd0-840b-d798184e9fd2.avro",
	},
	"Apache Hudi": {
		"part=1/6e1ac2ae-3f5c-4c6a-8d3b-1c2d3e4f5a6b-0_0-21-28_20260102030405678.parquet",
		"part=1/6e1ac2ae-3f5c-4c6a-8d3b-1c2d3e4f5a6b-0_0-45-61_20260102030510123.parquet",
		"part=1/.hoodie_partition_metadata",
		".hoodie/hoodie.properties",
		".hoodie/20260102030405678.commit",
	},
	"Apache Paimon": {
		"part=1/bucket-0/data-14521f27-1c90-4ee7-8e60-fb8c41d06e65-0.parquet",
		"part=1/bucket-0/data-f4a8a9cb-2e6e-4bf4-affe-85987937709e-0.parquet",
		"manifest/manifest-5da5600d-1c3b-45f8-9bba-9f116c76d2c7-0",
		"manifest/manifest-list-7b9cd973-8f9d-4224-b269-12f318fa3085-0",
		"schema/schema-0",
		"snapshot/LATEST",
		"snapshot/snapshot-1",
	},
	"DuckLake": {
		"part=1/ducklake-01a21ce5-c2c6-7009-ae8a-4041c91e886c.parquet",
		"ducklake-01a21ce5-c2d6-7161-abe7-cc47c4b52532-delete.parquet",
	},
}

// lay makes empty files below a folder.
func lay(t *testing.T, folder string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(folder, filepath.FromSlash(name))
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// realTempDir is a folder for a test without links in its path, and without what may be an NHS
// number: that would be masked in messages.
func realTempDir(t *testing.T) string {
	t.Helper()
	for {
		dir, err := os.MkdirTemp("", "tables")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			t.Fatal(err)
		}
		if !identifies(filepath.ToSlash(dir)) {
			return dir
		}
	}
}

// isRefused reports an error of the test if an argument is not refused as a part of a table of this
// kind, at this root.
func isRefused(t *testing.T, argument, kind, root string) {
	t.Helper()
	_, err := Expand([]string{argument})
	if _, ok := errors.AsType[*formats.InputError](err); !ok || !errors.Is(err, ErrTable) {
		t.Errorf("%s: %v", argument, err)
		return
	}
	want := fmt.Sprintf(": belongs to the %s table at %s, whose files", kind, withoutNumber(root))
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %s", argument, err, want)
	}
}

// isTaken reports an error of the test if an argument is refused.
func isTaken(t *testing.T, argument string) {
	t.Helper()
	if _, err := Expand([]string{argument}); err != nil {
		t.Errorf("%s: %v", argument, err)
	}
}

func TestTablesAreRefused(t *testing.T) {
	for kind, files := range tableLayouts {
		t.Run(kind, func(t *testing.T) {
			dir := realTempDir(t)
			root := filepath.Join(dir, "in", "deep", "t")
			lay(t, dir, "in/a.csv", "in/deep/b.csv", "other/c.csv")
			lay(t, root, files...)
			rows := filepath.Join(root, filepath.FromSlash(files[0]))
			for _, argument := range []string{
				root, root + "/", root + "/.", filepath.Join(dir, "in"), filepath.Join(dir, "in", "deep") + "/",
				rows, filepath.Join(root, filepath.FromSlash(files[1])), filepath.Dir(rows),
				filepath.Join(filepath.Dir(rows), "*.parquet"), root + "/**/*.parquet", root + "/*",
				dir + "/**/*.parquet", dir + "/*/deep", dir + "/{other,in/deep}/**",
			} {
				isRefused(t, argument, kind, root)
			}
			// Changed rows, in a folder that noo reads only if somebody names it.
			if kind == "Delta Lake" {
				isRefused(t, filepath.Join(root, filepath.FromSlash(files[2])), kind, root)
				isRefused(t, filepath.Join(root, "_change_data", "*", "*"), kind, root)
			}
			isTaken(t, filepath.Join(dir, "other"))
			isTaken(t, filepath.Join(dir, "in", "*.csv"))

			t.Chdir(filepath.Dir(rows))
			for _, argument := range []string{".", "./", filepath.Base(rows), "*.parquet", "*", "..", "../"} {
				isRefused(t, argument, kind, root)
			}
			isTaken(t, filepath.Join(dir, "other", "c.csv"))
			up := strings.Repeat("../", strings.Count(files[0], "/")) // to the root
			isTaken(t, up+"../b.csv")
			isTaken(t, up+"../../a.csv")
			isTaken(t, up+"../../../other/")
			isRefused(t, up, kind, root)
			isRefused(t, up+"..", kind, root)
		})
	}
}

// TestTableMarks has other names that the writers give, and names that only look like them.
func TestTableMarks(t *testing.T) {
	for name, c := range map[string]struct {
		kind  string // "" for an ordinary folder
		files string
	}{
		"Iceberg of Hadoop":     {"Apache Iceberg", "data/x.parquet metadata/v1.metadata.json metadata/version-hint.text"},
		"its hint alone":        {"Apache Iceberg", "data/x.parquet metadata/version-hint.text"},
		"Iceberg with gzip":     {"Apache Iceberg", "x.parquet metadata/00001-5c653ef3.gz.metadata.json"},
		"Iceberg with old gzip": {"Apache Iceberg", "x.parquet metadata/v2.metadata.json.gz"},
		"Hudi 1":                {"Apache Hudi", "x.parquet .hoodie/timeline/20260102030405678.commit"},
		"Paimon, no manifest":   {"Apache Paimon", "bucket-0/x.parquet schema/schema-12 snapshot/EARLIEST"},
		"Paimon, no snapshot":   {"Apache Paimon", "bucket-0/x.parquet schema/schema-0 manifest/m-0"},

		"other metadata":       {"", "a.csv metadata/people.json metadata/metadata.json metadata/x.metadata.yaml"},
		"metadata, a folder":   {"", "a.csv metadata/x.metadata.json/y.csv"},
		"metadata, a file":     {"", "a.csv metadata"},
		"schemas":              {"", "a.csv schema/schema-0 schema/people.sql"},
		"schemas and a folder": {"", "a.csv schema/schema-latest snapshot/b.csv manifest/c.csv"},
		"a snapshot":           {"", "a.csv snapshot/snapshot-1 manifest/m"},
		"a file _delta_log":    {"", "a.csv _delta_log"},
		"a file .hoodie":       {"", "a.csv .hoodie"},
		"a name too short":     {"", "ducklake-people.parquet"},
		"a name too long":      {"", "my-ducklake-01a21ce5-c2c6-7009-ae8a-4041c91e886c.parquet"},
		"a table beside":       {"", "a.csv b/c.csv ../table/_delta_log/0.json"},
		"a table passed over":  {"", "a.csv _old/table/x.parquet _old/table/_delta_log/0.json"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(realTempDir(t), "in")
			files := strings.Fields(c.files)
			lay(t, dir, files...)
			if c.kind == "" {
				isTaken(t, dir)
				isTaken(t, filepath.Join(dir, filepath.FromSlash(files[0])))
				return
			}
			isRefused(t, dir, c.kind, dir)
			isRefused(t, filepath.Join(dir, filepath.FromSlash(files[0])), c.kind, dir)
		})
	}
}

// TestTablesBehindLinks: a link into a table, a link that is a part of one, and chains of them, are
// no way around.
func TestTablesBehindLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	dir := realTempDir(t)
	table := filepath.Join(dir, "t")
	lay(t, dir, "t/part=1/x.parquet", "t/_delta_log/0.json", "l/ducklake-01a21ce5-c2c6-7009-ae8a-4041c91e886c.parquet",
		"cache/part=2/y.parquet", "cache/z.parquet", "ordinary/a.csv", "ordinary/part=1/b.csv")
	links := map[string]string{
		"to-root": table, "to-part": "t/part=1", "to-file.parquet": "t/part=1/x.parquet", "chain": "to-part",
		"to-lake.parquet": "l/ducklake-01a21ce5-c2c6-7009-ae8a-4041c91e886c.parquet",
		"t/part=2":        "../cache/part=2", "t/z.parquet": "../cache/z.parquet",
		"through": "t/part=2", "through-file": "./t/z.parquet", "to-ordinary": "ordinary",
	}
	for name, target := range links {
		t.Run(name, func(t *testing.T) {
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Chdir(dir)
	for _, argument := range []string{
		"to-root", "to-root/", "to-root/part=1/x.parquet", "to-root/**/*.parquet",
		"to-part", "to-part/*", "to-part/x.parquet", "to-f*.parquet", "to-file.parquet",
		"chain/x.parquet", "chain/", "chain/../part=1/x.parquet",
		"t/part=2/y.parquet", "through", "through/y.parquet", "through-file",
	} {
		isRefused(t, argument, "Delta Lake", table)
	}
	isRefused(t, "to-lake.parquet", "DuckLake", filepath.Join(dir, "l"))
	for _, argument := range []string{
		"cache", "cache/z.parquet", "ordinary", "to-ordinary/a.csv", "t/part=1/../../ordinary/a.csv", "t/../ordinary",
	} {
		isTaken(t, argument)
	}

	// The working folder is known by a name that leads through a link.
	t.Chdir(filepath.Join(dir, "to-part"))
	isRefused(t, "x.parquet", "Delta Lake", table)
	isRefused(t, ".", "Delta Lake", table)

	// A log behind a link counts. Behind a link to nothing, nobody can tell.
	t.Chdir(dir)
	if err := os.Symlink("../t/_delta_log", "ordinary/_delta_log"); err != nil {
		t.Fatal(err)
	}
	isRefused(t, "ordinary/a.csv", "Delta Lake", filepath.Join(dir, "ordinary"))
	err := errors.Join(os.Remove("ordinary/_delta_log"), os.Symlink("nowhere", "ordinary/_delta_log"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Expand([]string{"ordinary/part=1/b.csv"})
	if err == nil || !strings.Contains(err.Error(), "_delta_log: it is a link to nothing") {
		t.Errorf("a log behind a link to nothing: %v", err)
	}
}

// TestUnreadableMarks: if the system does not let noo see whether a folder is a table, it stops.
func TestUnreadableMarks(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("permissions do not keep this user off")
	}
	dir := realTempDir(t)
	lay(t, dir, "in/a.csv", "in/metadata/secret", "in/_archive/b.csv")
	unreadable := filepath.Join(dir, "in", "metadata")
	if err := os.Chmod(unreadable, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(unreadable, 0o700) })
	_, err := Expand([]string{filepath.Join(dir, "in", "a.csv")})
	want := fmt.Sprintf("cannot tell whether %s is a table (Apache Iceberg): cannot read %s: permission denied",
		withoutNumber(filepath.Join(dir, "in")), withoutNumber(unreadable))
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestTableErrorsMaskNumbers: neither the file nor the folders above it are shown with a number in
// them.
func TestTableErrorsMaskNumbers(t *testing.T) {
	dir := realTempDir(t)
	lay(t, dir, "id=9434765919/t/x.parquet", "id=9434765919/t/_delta_log/0.json")
	t.Chdir(filepath.Join(dir, "id=9434765919", "t"))
	for _, argument := range []string{"x.parquet", ".", filepath.Join(dir, "id=9434765919", "t", "x.parquet")} {
		_, err := Expand([]string{argument})
		if !errors.Is(err, ErrTable) || strings.Contains(err.Error(), "9434765919") ||
			!strings.Contains(err.Error(), "id=##########") {
			t.Errorf("%s: %v", argument, err)
		}
	}
}

// TestTableNumberInArgument: a Source with an ErrTable shows its argument without a number, escaped
// or not.
func TestTableNumberInArgument(t *testing.T) {
	t.Chdir(realTempDir(t))
	for _, name := range []string{"9434765919", "id=943%20476%205919"} {
		lay(t, name, "t/x.parquet", "t/_delta_log/0.json")
		for _, argument := range []string{name + "/t", name + "/t/x.parquet", name + "/*/x.parquet"} {
			sources, err := ExpandEach([]string{argument})
			if err != nil || len(sources.Files) != 1 {
				t.Fatalf("%s: %v, %v", argument, sources, err)
			}
			source := sources.Files[0]
			if !errors.Is(source.Err, ErrTable) || source.Path != maskDigits(argument) || strings.Contains(source.Name, name) {
				t.Errorf("%s: %q, %q, %v", argument, source.Path, source.Name, source.Err)
			}
		}
	}
}

// TestOneTableOfMany: the other arguments are read all the same.
func TestOneTableOfMany(t *testing.T) {
	dir := realTempDir(t)
	lay(t, dir, "t/x.parquet", "t/_delta_log/0.json", "a.csv", "b/c.csv")
	t.Chdir(dir)
	sources, err := ExpandEach([]string{"a.csv", "t", "t/*.parquet", "b"})
	if err != nil || len(sources.Files) != 4 {
		t.Fatalf("%v, %v", sources, err)
	}
	for i, refused := range []bool{false, true, true, false} {
		if errors.Is(sources.Files[i].Err, ErrTable) != refused {
			t.Errorf("%s: %v", sources.Files[i].Path, sources.Files[i].Err)
		}
	}
}

// TestTablesStayCheap: each folder is looked at once, however many files are in it.
func TestTablesStayCheap(t *testing.T) {
	dir := realTempDir(t)
	finder := newTableFinder()
	start := time.Now()
	for i := range 100_000 { // none of which exists
		file := filepath.Join(dir, fmt.Sprintf("part=%d", i%10), fmt.Sprintf("%d.csv", i))
		if err := finder.refuseFile(file); err != nil {
			t.Fatal(err)
		}
	}
	most := strings.Count(dir, string(filepath.Separator)) + 11
	if len(finder.looked) > most || len(finder.resolved) > most {
		t.Errorf("%d folders looked at, %d resolved", len(finder.looked), len(finder.resolved))
	}
	t.Logf("100,000 files took %v", time.Since(start))
}

func TestSplitLast(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths of Unix")
	}
	for path, want := range map[string][2]string{
		"/": {"/", ""}, "//": {"/", ""}, "/a": {"/", "a"}, "/a/": {"/", "a"},
		"/a//b": {"/a//", "b"}, "/a/../b/.": {"/a/../b/", "."}, "/a/..": {"/a/", ".."},
	} {
		t.Run(path, func(t *testing.T) {
			if above, name := splitLast(path); above != want[0] || name != want[1] {
				t.Errorf("%s: %q %q", path, above, name)
			}
		})
	}
}
