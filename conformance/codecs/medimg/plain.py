"""An image as JSON: its pixels and its place."""

import SimpleITK as sitk


def plain(image):
    place = [list(image.GetSpacing()), list(image.GetOrigin()), list(image.GetDirection())]
    metadata = {name: image.GetMetaData(name) for name in image.GetMetaDataKeys()}
    return [image.GetPixelIDTypeAsString(), sitk.GetArrayFromImage(image).tolist(), place, metadata]
