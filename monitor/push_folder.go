package monitor

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// AlertFolder is the UID of the folder that alert rules are put into where nobody names another and none is called
// alertFolderTitle; it is made then.
const AlertFolder = "ephor"

// alertFolderTitle is what the folder of alert rules is called, the one that a file provisions, too.
const alertFolderTitle = "Ephor"

// alertFolder sees to it that there is a folder for alert rules, which is g.Folder then. One that somebody named is not made.
//
// https://grafana.com/docs/grafana/latest/developers/http_api/folder/
func (g *api) alertFolder(ctx context.Context) error {
	if g.Folder != "" {
		return g.call(ctx, asksFolder(g.Folder), nil)
	}
	if found, err := g.findAlertFolder(ctx); err != nil || found {
		return err
	}
	a := asksFolder(AlertFolder)
	a.method, a.path, a.body = http.MethodPost, []string{"api/folders"}, map[string]string{"uid": AlertFolder, "title": alertFolderTitle}
	if err := g.call(ctx, a, nil); err != nil {
		return err
	}
	g.Folder = AlertFolder
	return nil
}

// findAlertFolder makes g.Folder, if nobody named one, the folder that is there: by its UID or by its title, of which older
// Grafanas take no second.
func (g *api) findAlertFolder(ctx context.Context) (found bool, err error) {
	if g.Folder != "" {
		return true, nil
	}
	if found, err = there(g.call(ctx, asksFolder(AlertFolder), nil)); err != nil {
		return false, err
	}
	if found {
		g.Folder = AlertFolder
		return true, nil
	}
	const most = 1000
	for page := 1; ; page++ {
		var all []struct{ UID, Title string }
		a := ask{part: PartFolder, what: "the folders", path: []string{"api/folders"}, query: url.Values{"limit": {strconv.Itoa(most)}, "page": {strconv.Itoa(page)}}}
		if err := g.call(ctx, a, &all); err != nil {
			return false, err
		}
		for _, f := range all {
			if f.Title == alertFolderTitle {
				g.Folder = f.UID
				return true, nil
			}
		}
		if len(all) < most {
			return false, nil
		}
	}
}

func asksFolder(uid string) ask {
	return ask{part: PartFolder, what: "folder " + uid, path: []string{"api/folders", uid}}
}
