/** The packages of PyPI whose DICOM files are read, and with which the references are made. */
export const packages = [
  "pydicom==3.0.2",
  "pydicom-data==1.0.0",
  "numpy==2.4.6",
  "pylibjpeg==2.1.0",
  "pylibjpeg-libjpeg==2.5.0",
  "pylibjpeg-openjpeg==2.6.0",
  "python-gdcm==3.2.6",
  "pyjpegls==1.5.1",
  "dicom-anonymizer==2.1.0",
];
