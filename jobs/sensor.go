package jobs

import (
	"context"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A SensorType is the kind of a sensor. The service may add others than those
// named here.
type SensorType string

// The types of sensors.
const (
	SensorLidar         SensorType = "LIDAR"
	SensorRadar         SensorType = "RADAR"
	SensorCamera        SensorType = "CAMERA"
	SensorFisheyeCamera SensorType = "FISHEYE_CAMERA"
)

// A Sensor is one that recorded data of a segment.
type Sensor struct {
	Name        string
	Type        SensorType
	Description string
	// Extrinsics and Intrinsics are nil where they are not known.
	Extrinsics *Extrinsics
	Intrinsics *Intrinsics
}

// What the calibration of a sensor is made of, as openapi.yaml describes it.
type (
	// Extrinsics say where a sensor is and where it looks.
	Extrinsics = gen.Extrinsics
	// Intrinsics say how a camera forms its picture.
	Intrinsics = gen.Intrinsics
	// CameraMatrix holds focal lengths and optical centre in pixels.
	CameraMatrix = gen.CameraMatrix
	// Vector3D is a place or a size in space.
	Vector3D = gen.Vector3D
	// Quaternion is a rotation.
	Quaternion = gen.Quaternion
)

// Sensors returns the sensors of a segment of a fusion dataset.
func (c *Contents) Sensors(ctx context.Context, segment string) ([]Sensor, error) {
	if segment == "" {
		return nil, invalid("segment name is empty: Segments lists the names")
	}
	var body gen.SensorList
	err := c.client.call(ctx, opListSensors,
		func() (*http.Request, error) {
			return gen.NewListSensorsRequest(c.client.server, c.id, &gen.ListSensorsParams{
				SegmentName: segment, Commit: optional(c.commit), DraftNumber: optional(c.draft),
			})
		}, into(&body))
	if err != nil {
		return nil, err
	}
	return each(body.Sensors, func(s gen.Sensor) Sensor {
		return Sensor{s.Name, SensorType(s.Type), value(s.Description), s.Extrinsics, s.Intrinsics}
	}), nil
}
