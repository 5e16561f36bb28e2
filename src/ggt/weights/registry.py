"""The files that ggt can use and does not ship: what they are, whose, and where their owners publish them."""

from dataclasses import dataclass

_NIQE_NOTICE = """\
Copyright (c) 2011 The University of Texas at Austin
All rights reserved.

Permission is hereby granted, without written agreement and without license or royalty fees, to use, copy,
modify, and distribute this code (the source files) and its documentation for any purpose, provided that the
copyright notice in its entirety appear in all copies of this code, and the original source of this code,
Laboratory for Image and Video Engineering (LIVE, http://live.ece.utexas.edu) and Center for Perceptual Systems
(CPS, http://www.cps.utexas.edu) at the University of Texas at Austin (UT Austin, http://www.utexas.edu), is
acknowledged in any publication that reports research using this code. The research is to be cited in the
bibliography as:

1) A. Mittal, R. Soundararajan and A. C. Bovik, "NIQE Software Release",
URL: http://live.ece.utexas.edu/research/quality/niqe.zip, 2012.

2) A. Mittal, R. Soundararajan and A. C. Bovik, "Making a Completely Blind Image Quality Analyzer", submitted to
IEEE Signal Processing Letters, 2012.

IN NO EVENT SHALL THE UNIVERSITY OF TEXAS AT AUSTIN BE LIABLE TO ANY PARTY FOR DIRECT, INDIRECT, SPECIAL, INCIDENTAL,
OR CONSEQUENTIAL DAMAGES ARISING OUT OF THE USE OF THIS DATABASE AND ITS DOCUMENTATION, EVEN IF THE UNIVERSITY OF TEXAS
AT AUSTIN HAS BEEN ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

THE UNIVERSITY OF TEXAS AT AUSTIN SPECIFICALLY DISCLAIMS ANY WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE. THE DATABASE PROVIDED HEREUNDER IS ON AN "AS IS"
BASIS, AND THE UNIVERSITY OF TEXAS AT AUSTIN HAS NO OBLIGATION TO PROVIDE MAINTENANCE, SUPPORT, UPDATES, ENHANCEMENTS,
OR MODIFICATIONS.
"""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of somebody else's, known by its sha256.

    `name` is what a plugin's `weights` field says; `file_name` is what its owners call it; `notice` is kept beside
    every copy.
    """

    name: str
    file_name: str
    sha256: str
    num_bytes: int
    purpose: str
    licence: str
    address: str
    notice: str


KNOWN = (
    KnownFile(
        name="niqe",
        file_name="modelparameters.mat",
        sha256="fa2aa4d12dd9595c3fb6bf8b4e1a15c79d5d1469238d0901c88dead195be578d",
        num_bytes=8347,
        purpose="pristine model of the metric niqe",
        licence="University of Texas at Austin: any purpose, with its notice and citation",
        address="https://github.com/utlive/niqe",
        notice=_NIQE_NOTICE,
    ),
)


def known_file(name: str) -> KnownFile:
    """Return the file of that name; names come from plugins, so an unknown one is our mistake."""
    return next(known for known in KNOWN if known.name == name)
