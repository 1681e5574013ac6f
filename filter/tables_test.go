package filter

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noo/formats"
)

const lakeFile = "ducklake-0198c2f2-5c2b-7a4e-9d0e-3a6a7d1c2b3f.parquet"

// tableLayouts are the files of a table of each kind, as its writers lay them out.
var tableLayouts = map[string][]string{
	"Delta Lake":     {"_delta_log/00000000000000000000.json", "part-00000-x.snappy.parquet", "region=north/part-00001-x.parquet", "_change_data/cdc-00000-x.parquet"},
	"Apache Iceberg": {"metadata/00000-x.metadata.json", "metadata/snap-1-x.avro", "data/00000-0-x.parquet", "data/region=north/00001-0-x.parquet"},
	"Apache Hudi":    {".hoodie/hoodie.properties", ".hoodie/20260101000000000.commit", "region=north/.hoodie_partition_metadata", "region=north/x-0_0-1-0_20260101000000000.parquet"},
	"Apache Paimon":  {"schema/schema-0", "snapshot/snapshot-1", "manifest/manifest-list-x-0", "bucket-0/data-x-0.parquet"},
	"DuckLake":       {"main/people/" + lakeFile, "main/people/" + strings.Replace(lakeFile, ".parquet", "-delete.parquet", 1)},
}

func layOut(t *testing.T, folder string, files ...string) {
	t.Helper()
	for _, name := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTablesAreRefused: whatever of a table is named, the folder, a parent, a pattern, a file in it, or a link to one.
func TestTablesAreRefused(t *testing.T) {
	for kind, files := range tableLayouts {
		t.Run(kind, func(t *testing.T) {
			lake := filepath.Join(t.TempDir(), "lake")
			table := filepath.Join(lake, "deep", "people")
			layOut(t, table, files...)
			layOut(t, lake, "other/plain.parquet")
			link := filepath.Join(t.TempDir(), "link.parquet")
			arguments := []string{table, table + "/", lake, filepath.Join(lake, "**", "*.parquet"), filepath.Join(lake, "deep", "*")}
			for _, name := range files {
				if strings.HasSuffix(name, ".parquet") {
					arguments = append(arguments, filepath.Join(table, filepath.FromSlash(name)))
				}
			}
			if os.Symlink(arguments[len(arguments)-1], link) == nil {
				arguments = append(arguments, link)
			}
			for _, argument := range arguments {
				_, err := Expand([]string{argument})
				refusal, ok := errors.AsType[*formats.InputError](err)
				if !ok || !errors.Is(err, ErrTable) || !strings.Contains(err.Error(), "the "+kind+" table ") {
					t.Errorf("%s: %v", strings.TrimPrefix(argument, lake), err)
				} else if refusal.Name != argument {
					t.Errorf("%s is called %s", argument, refusal.Name)
				}
			}
			if _, err := Expand([]string{filepath.Join(lake, "other")}); err != nil {
				t.Errorf("a plain folder beside it: %v", err)
			}
			each, err := ExpandEach([]string{table, filepath.Join(lake, "other")})
			if err != nil || len(each.Files) != 2 || !errors.Is(each.Files[0].Err, ErrTable) || each.Files[1].Err != nil {
				t.Errorf("of two arguments: %+v, %v", each, err)
			}
			t.Chdir(filepath.Dir(filepath.Join(table, filepath.FromSlash(files[len(files)-1]))))
			if _, err := Expand([]string{"."}); !errors.Is(err, ErrTable) {
				t.Errorf("from within: %v", err)
			}
		})
	}
}

// TestEmptyTable: a table without a file to read is still one.
func TestEmptyTable(t *testing.T) {
	table := t.TempDir()
	layOut(t, table, "_delta_log/00000000000000000000.json")
	if _, err := Expand([]string{table}); !errors.Is(err, ErrTable) {
		t.Error(err)
	}
}

// TestPlainFoldersAreNoTables: names alone do not make a table.
func TestPlainFoldersAreNoTables(t *testing.T) {
	for _, files := range [][]string{
		{"a.csv", "_delta_log"}, {"a.csv", "metadata/about.json"}, {"a.csv", "metadata"}, {"a.csv", "schema/schema.sql", "snapshot/x"},
		{"a.csv", "schema/schema-0"}, {"ducklake-notes.parquet"}, {"a.csv", ".hoodie"}, {"a.csv", "data/b.csv"},
	} {
		folder := t.TempDir()
		layOut(t, folder, files...)
		if _, err := Expand([]string{folder}); err != nil {
			t.Errorf("%q: %v", files, err)
		}
	}
}
