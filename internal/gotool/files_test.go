package gotool_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ephor-io/ephor/internal/gotool"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	app := map[string]string{
		"app/go.mod": "module example.com/app\n\ngo 1.26\n\nrequire example.com/shared v0.0.0\n\nreplace example.com/shared => ../shared\n",
		"app/go.sum": "",
		"app/cmd/shop/main.go": "package main\n\nimport (\n\t_ \"embed\"\n\t\"example.com/app/store\"\n\t\"example.com/shared\"\n)\n\n" +
			"//go:embed static/*.txt\nvar words string\n\nfunc main() { store.Open(shared.Name + words) }\n",
		"app/cmd/shop/hooks.go":           "//go:build !small\n\npackage main\n",
		"app/cmd/shop/main_test.go":       "package main\n",
		"app/cmd/shop/static/words.txt":   "words",
		"app/cmd/shop/static/ignored.csv": "1",
		"app/store/store.go":              "package store\n\nfunc Open(string) {}\n",
		"app/unused/unused.go":            "package unused\n",
		"shared/go.mod":                   "module example.com/shared\n\ngo 1.26\n",
		"shared/shared.go":                "package shared\n\nconst Name = \"shared\"\n",
	}
	common := []string{
		"app/cmd/shop/main.go", "app/cmd/shop/static/words.txt", "app/go.mod", "app/go.sum",
		"app/store/store.go", "shared/go.mod", "shared/shared.go",
	}
	for _, test := range []struct {
		name   string
		tags   []string
		change map[string]string
		want   []string
	}{
		{name: "a tag leaves a file out", tags: []string{"small"}, want: common},
		{name: "no tags", want: append([]string{"app/cmd/shop/hooks.go"}, common...)},
		{
			name: "source that does not compile", tags: []string{"small"},
			change: map[string]string{"app/store/store.go": "package store\n\nimport \"example.com/app/nothere\"\n\nfunc {"},
			want:   common,
		},
		{
			name: "a workspace", tags: []string{"small"},
			change: map[string]string{"go.work": "go 1.26\n\nuse (\n\t./app\n\t./shared\n)\n"},
			want:   append(append([]string{}, common[:5]...), "go.work", "shared/go.mod", "shared/shared.go"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := realTempDir(t)
			write(t, root, app)
			write(t, root, test.change)
			files, err := gotool.Files(t.Context(), filepath.Join(root, "app"), "./cmd/shop", test.tags)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range files {
				rel, err := filepath.Rel(root, f)
				if err != nil {
					t.Fatal(err)
				}
				files[i] = filepath.ToSlash(rel)
			}
			if diff := cmp.Diff(test.want, files); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilesOfNothing(t *testing.T) {
	t.Parallel()
	dir := realTempDir(t)
	write(t, dir, map[string]string{"go.mod": "module example.com/app\n\ngo 1.26\n"})
	if files, err := gotool.Files(t.Context(), dir, "./nothere", nil); err == nil {
		t.Fatalf("a package that is not there has the files %q", files)
	}
}
