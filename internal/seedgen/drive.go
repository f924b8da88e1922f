package main

import (
	"fmt"
	"math/rand/v2"
)

const driveHead = `  # A fusion dataset with every type of sensor.
  - name: drive-log
    alias: Drive log
    fusion: true
    catalog:
      BOX3D:
        categories: [{name: car}, {name: truck}, {name: pedestrian}, {name: cyclist}]
        attributes:
          - {name: parked, type: boolean}
          - {name: speed, type: number, minimum: 0, maximum: 40}
      BOX2D:
        categories: [{name: car}, {name: bus}, {name: truck}, {name: pedestrian}, {name: cyclist}, {name: motorcycle}]
        attributes: [{name: occluded, type: boolean}]
    commits:
      - name: main-1
        title: Import two drives
        date: 2021-08-05T09:00:00Z
        segments:
`

const driveSensors = `            sensors: &driveSensors
              - {name: LIDAR_TOP, type: LIDAR, description: On the roof, extrinsics: {translation: {x: 0.94, y: 0, z: 1.84}, rotation: {w: 1, x: 0, y: 0, z: 0}}}
              - {name: RADAR_FRONT, type: RADAR, extrinsics: {translation: {x: 3.41, y: 0, z: 0.5}, rotation: {w: 1, x: 0, y: 0, z: 0}}}
              - name: CAM_FRONT
                type: CAMERA
                extrinsics: {translation: {x: 1.72, y: 0, z: 1.51}, rotation: {w: 0.5, x: -0.5, y: 0.5, z: -0.5}}
                intrinsics:
                  cameraMatrix: {fx: 1266.4, fy: 1266.4, cx: 816.25, cy: 491.5}
                  distortionCoefficients: {k1: -0.012, k2: 0.001, p1: 0.0004, p2: -0.0002, k3: 0}
              - name: FISHEYE_REAR
                type: FISHEYE_CAMERA
                extrinsics: {translation: {x: -0.8, y: 0, z: 1.1}, rotation: {w: 0.5, x: -0.5, y: -0.5, z: 0.5}}
                intrinsics:
                  cameraMatrix: {fx: 340.5, fy: 340.5, cx: 640, cy: 480, skew: 0}
                  distortionCoefficients: {k1: 0.08, k2: -0.02, k3: 0.004, k4: -0.0003}
`

const driveTail = `    branches:
      - {name: main, commit: main-1}
    tags:
      - {name: v1.0, commit: main-1}
`

// writeDrive gives the second drive ids from before frame ids were ULIDs.
func writeDrive(w *writer, r *rand.Rand) {
	w.WriteString(driveHead)
	for i, name := range []string{"drive-0001", "drive-0002"} {
		w.line(5, "- name: %s", name)
		if i == 0 {
			w.WriteString(driveSensors)
		} else {
			w.line(6, "sensors: *driveSensors")
		}
		w.line(6, "frames:")
		for frame := range 5 {
			id := fmt.Sprintf("01FC8S%dQZ0000000000000000%d", i, frame)
			if i == 1 {
				id = fmt.Sprintf("%08x-7b1d-4c52-9d3e-00000000000%d", r.Uint32(), frame)
			}
			w.line(7, "- id: %s", id)
			w.line(8, "data:")
			start := 1628154000 + 600*i + frame
			driveDatum(w, r, "LIDAR_TOP", "pcd", start, frame, "BOX3D: "+many(1, 3, makeBox3D)(r))
			driveDatum(w, r, "RADAR_FRONT", "pcd", start, frame, "")
			driveDatum(w, r, "CAM_FRONT", "jpg", start, frame, "BOX2D: "+many(1, 2, makeDriveBox)(r))
			driveDatum(w, r, "FISHEYE_REAR", "jpg", start, frame, "")
		}
	}
	w.WriteString(driveTail)
}

func makeDriveBox(r *rand.Rand) string {
	x, y := r.IntN(6000), r.IntN(3000)
	return fmt.Sprintf("{box2d: {xmin: %s, ymin: %s, xmax: %s, ymax: %s}, category: %s, attributes: {occluded: %s}}",
		quarters(x), quarters(y), quarters(x+200), quarters(y+160), pick(r, "car", "bus", "truck"), yesNo(r))
}

func driveDatum(w *writer, r *rand.Rand, sensor, extension string, start, frame int, label string) {
	if label != "" {
		label = ", label: {" + label + "}"
	}
	w.line(9, "- {sensor: %s, remotePath: %s/%04d.%s, timestamp: %d.%d, size: %d%s}",
		sensor, sensor, frame, extension, start, r.IntN(10), 64+r.IntN(1000), label)
}
