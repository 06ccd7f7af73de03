package ephor

import (
	"fmt"
	"io/fs"
	"strings"
)

// Image asks for functions that are container images on AWS, where they are zip archives otherwise. All
// functions of an application are of one image, as they are of one executable. On the laptop the executable
// runs by itself: what else the image holds is not there.
//
// https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
type Image struct {
	// Dockerfile is the file's path with slashes, from the folder of the program's package: image/Dockerfile.
	// Its folder, which holds no Go source, is what the build copies from, and in it the executable is called
	// bootstrap:
	//
	//	FROM public.ecr.aws/lambda/provided:al2023
	//	COPY bootstrap ./bootstrap
	//	ENTRYPOINT ["./bootstrap"]
	//
	// The image's command is left to Ephor: it names the function.
	Dockerfile string
}

// Image makes the functions container images on AWS.
func (a *App) Image(i Image) { a.image = &i }

// Container is what Image was given; ok is false without one.
func (a *App) Container() (i Image, ok bool) {
	if a.image == nil {
		return Image{}, false
	}
	return *a.image, true
}

func (i Image) validate() error {
	switch p := i.Dockerfile; {
	case p == "":
		return fmt.Errorf("image: it has no Dockerfile: name one, as in image/Dockerfile")
	case !fs.ValidPath(p) || p == "." || strings.Contains(p, `\`):
		return fmt.Errorf("image: Dockerfile %q: a path goes from the folder of the program's package, with slashes, and does not lead out of it", p)
	}
	return nil
}
