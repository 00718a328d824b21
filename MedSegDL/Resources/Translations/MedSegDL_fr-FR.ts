<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="fr_FR">
<context>
    <name>MedSegDL</name>
    <message>
        <source>A click shows the lesion in the slice views. The longest diameter in an axial plane, and the longest one across it.</source>
        <translation>Un clic montre la lésion dans les coupes. Le plus grand diamètre dans un plan axial et le plus grand qui lui est perpendiculaire.</translation>
    </message>
    <message>
        <source>Accurate averages over mirrored images and takes several times as long. Automatic does what the network was made for: networks that were added average where their origin does, those that are shipped do not.</source>
        <translation>« Précis » fait la moyenne sur des images en miroir et prend plusieurs fois plus de temps. « Automatique » fait ce pour quoi le réseau a été conçu : les réseaux ajoutés font la moyenne si leur origine la fait, ceux fournis ne la font pas.</translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation>Avancé</translation>
    </message>
    <message>
        <source>Also give a volume that is bright where the network is undecided.</source>
        <translation>Donner aussi un volume qui est clair là où le réseau hésite.</translation>
    </message>
    <message>
        <source>Automatic takes the GPU where there is one.</source>
        <translation>« Automatique » utilise le GPU s'il y en a un.</translation>
    </message>
    <message>
        <source>Bias correction (N4):</source>
        <translation>Correction du biais (N4) :</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Annuler</translation>
    </message>
    <message>
        <source>Copy as text</source>
        <translation>Copier le texte</translation>
    </message>
    <message>
        <source>Copy log</source>
        <translation>Copier le journal</translation>
    </message>
    <message>
        <source>Copy the log to the clipboard, for a report of a fault. It may hold names of volumes: read it before you send it.</source>
        <translation>Copier le journal dans le presse-papiers pour signaler un défaut. Il peut contenir des noms de volumes : à lire avant l'envoi.</translation>
    </message>
    <message>
        <source>Copy volumes and lesions to the clipboard, for a report.</source>
        <translation>Copier les volumes et les lésions dans le presse-papiers pour un compte rendu.</translation>
    </message>
    <message>
        <source>Device:</source>
        <translation>Appareil :</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>Modifier</translation>
    </message>
    <message>
        <source>Even out the slow brightness changes of MR images before segmenting. CT and microscopy never need it.</source>
        <translation>Égaliser les lentes variations de luminosité des images IRM avant la segmentation. La TDM et la microscopie n'en ont jamais besoin.</translation>
    </message>
    <message>
        <source>Fill the inputs anew: each volume's kind is guessed from its DICOM tags and its name. Check the guess.</source>
        <translation>Remplir à nouveau les entrées : le type de chaque volume est deviné d'après ses champs DICOM et son nom. À vérifier.</translation>
    </message>
    <message>
        <source>Guess again</source>
        <translation>Deviner à nouveau</translation>
    </message>
    <message>
        <source>Inputs</source>
        <translation>Entrées</translation>
    </message>
    <message>
        <source>Install PyTorch into Slicer</source>
        <translation>Installer PyTorch dans Slicer</translation>
    </message>
    <message>
        <source>Install PyTorch into Slicer's own Python through the extension PyTorch.</source>
        <translation>Installer PyTorch dans le Python de Slicer par l'extension PyTorch.</translation>
    </message>
    <message>
        <source>Install PyTorch into a folder of MedSegDL's own. Slicer and its other extensions stay as they are.</source>
        <translation>Installer PyTorch dans un dossier propre à MedSegDL. Slicer et ses autres extensions restent inchangés.</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>Journal</translation>
    </message>
    <message>
        <source>Make private environment</source>
        <translation>Créer l'environnement</translation>
    </message>
    <message>
        <source>MedSegDL</source>
        <translation>MedSegDL</translation>
    </message>
    <message>
        <source>Network:</source>
        <translation>Réseau :</translation>
    </message>
    <message>
        <source>New segmentation</source>
        <translation>Nouvelle segmentation</translation>
    </message>
    <message>
        <source>Open the Segment Editor on this segmentation and its input.</source>
        <translation>Ouvrir l'éditeur de segments sur cette segmentation et son entrée.</translation>
    </message>
    <message>
        <source>Outputs</source>
        <translation>Sorties</translation>
    </message>
    <message>
        <source>Packages from:</source>
        <translation>Paquets depuis :</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Supprimer</translation>
    </message>
    <message>
        <source>Remove the private environment and what was downloaded for it.</source>
        <translation>Supprimer l'environnement privé et ce qui a été téléchargé pour lui.</translation>
    </message>
    <message>
        <source>Research use only - not a medical device.</source>
        <translation>Réservé à la recherche - n'est pas un dispositif médical.</translation>
    </message>
    <message>
        <source>Segment</source>
        <translation>Segmenter</translation>
    </message>
    <message>
        <source>Segmentation:</source>
        <translation>Segmentation :</translation>
    </message>
    <message>
        <source>Segments brain tumours in MR, the liver and its tumours in CT, and cell nuclei in microscopy pictures with inception U-Nets. Research use only - not a medical device.</source>
        <translation>Segmente les tumeurs cérébrales en IRM, le foie et ses tumeurs en TDM, et les noyaux cellulaires en microscopie avec des U-Nets à modules inception. Réservé à la recherche - n'est pas un dispositif médical.</translation>
    </message>
    <message>
        <source>Show the segments as surfaces in the 3-D views; the menu has how smooth they are.</source>
        <translation>Montrer les segments comme surfaces dans les vues 3D ; le menu règle leur lissage.</translation>
    </message>
    <message>
        <source>Speed:</source>
        <translation>Vitesse :</translation>
    </message>
    <message>
        <source>Stop at once. Nothing is written.</source>
        <translation>Arrêter tout de suite. Rien n'est écrit.</translation>
    </message>
    <message>
        <source>Task:</source>
        <translation>Tâche :</translation>
    </message>
    <message>
        <source>The Python that runs the segmentation in a process of its own. Empty: the private environment if there is one, else Slicer's Python. Or paste the address of a server, http://TOKEN@HOST:PORT, as `medsegdl serve` prints it.</source>
        <translation>Le Python qui exécute la segmentation dans son propre processus. Vide : l'environnement privé s'il existe, sinon le Python de Slicer. Ou l'adresse d'un serveur, http://TOKEN@HOST:PORT, comme l'affiche `medsegdl serve`.</translation>
    </message>
    <message>
        <source>The networks follow the published work of N. S. Punn and S. Agarwal on inception U-Nets.</source>
        <translation>Les réseaux suivent les travaux publiés de N. S. Punn et S. Agarwal sur les U-Nets à modules inception.</translation>
    </message>
    <message>
        <source>The segmentation that is measured here.</source>
        <translation>La segmentation mesurée ici.</translation>
    </message>
    <message>
        <source>The size of each segment, measured again after each edit. The numbers can be selected and copied.</source>
        <translation>La taille de chaque segment, mesurée à nouveau après chaque modification. Les nombres peuvent être sélectionnés et copiés.</translation>
    </message>
    <message>
        <source>Uncertainty map:</source>
        <translation>Carte d'incertitude :</translation>
    </message>
    <message>
        <source>Volumes</source>
        <translation>Volumes</translation>
    </message>
    <message>
        <source>What is to be segmented.</source>
        <translation>Ce qui doit être segmenté.</translation>
    </message>
    <message>
        <source>What the check of the inputs found.</source>
        <translation>Ce que le contrôle des entrées a trouvé.</translation>
    </message>
    <message>
        <source>Where the segments go. A segmentation selected here is overwritten.</source>
        <translation>Où vont les segments. Une segmentation choisie ici est écrasée.</translation>
    </message>
    <message>
        <source>Without a network: the folder, or the bundle.json in it, that `medsegdl bundle` made on another machine. The private environment is then made of it, and nothing is downloaded. Empty: from the internet.</source>
        <translation>Sans réseau : le dossier, ou son bundle.json, que `medsegdl bundle` a fait sur une autre machine. L'environnement privé en est alors créé, et rien n'est téléchargé. Vide : depuis internet.</translation>
    </message>
    <message>
        <source>Worker:</source>
        <translation>Exécution :</translation>
    </message>
</context>
<context>
    <name>MedSegDL.core</name>
    <message>
        <source>'{key}' is no input of {task}.</source>
        <translation>« {key} » n'est pas une entrée de : {task}.</translation>
    </message>
    <message>
        <source>'{name}' was drawn on another grid than '{volume}'.</source>
        <translation>« {name} » a été dessiné sur une autre grille que « {volume} ».</translation>
    </message>
    <message>
        <source>'{node}' lies under a deforming transform ('{transform}').</source>
        <translation>« {node} » est soumis à une transformation déformante (« {transform} »).</translation>
    </message>
    <message>
        <source>A file of the series cannot be read any more ({error}).</source>
        <translation>Un fichier de la série ne peut plus être lu ({error}).</translation>
    </message>
    <message>
        <source>A follow-up is for volumes, not for {task}.</source>
        <translation>Un suivi se fait sur des volumes, pas pour {task}.</translation>
    </message>
    <message>
        <source>A follow-up needs two or more results of one task.</source>
        <translation>Un suivi demande au moins deux résultats d'une même tâche.</translation>
    </message>
    <message>
        <source>A part of {region} smaller than {region2} of the largest is left out ({together}).</source>
        <translation>{region} : une partie plus petite que {region2} de la plus grande a été laissée de côté ({together}).</translation>
    </message>
    <message>
        <source>A pixel size is for pictures, not for {task}.</source>
        <translation>Une taille de pixel est pour des images planes, pas pour : {task}.</translation>
    </message>
    <message>
        <source>A region holds those inside it. Without overlap: {volumes}.</source>
        <translation>Une région contient celles qui s'y trouvent. Sans recouvrement : {volumes}.</translation>
    </message>
    <message>
        <source>A segmentation is running.</source>
        <translation>Une segmentation est en cours.</translation>
    </message>
    <message>
        <source>A server segments, and the files of the series are on this machine.</source>
        <translation>Un serveur segmente, et les fichiers de la série sont sur cet ordinateur.</translation>
    </message>
    <message>
        <source>A smaller one is in the CSV.</source>
        <translation>Une plus petite est dans le CSV.</translation>
    </message>
    <message>
        <source>About {needed} of memory are needed, and {free} are free: the run may be slow or end.</source>
        <translation>Il faut environ {needed} de mémoire et {free} sont libres : l'exécution peut être lente ou s'arrêter.</translation>
    </message>
    <message>
        <source>Accurate</source>
        <translation>Précis</translation>
    </message>
    <message>
        <source>An aid to the reader, not a diagnosis: steroids, clinical state, confirmation and lesions that are no targets are not known here.</source>
        <translation>Une aide au lecteur, pas un diagnostic : corticoïdes, état clinique, confirmation et lésions non cibles ne sont pas connus ici.</translation>
    </message>
    <message>
        <source>An unexpected failure ({error}: {error2}).</source>
        <translation>Une erreur inattendue ({error} : {error2}).</translation>
    </message>
    <message>
        <source>Asking the server</source>
        <translation>Interrogation du serveur</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatique</translation>
    </message>
    <message>
        <source>Axial</source>
        <translation>Axial</translation>
    </message>
    <message>
        <source>Brain</source>
        <translation>Cerveau</translation>
    </message>
    <message>
        <source>Brain mask (MR)</source>
        <translation>Masque du cerveau (IRM)</translation>
    </message>
    <message>
        <source>Brain tumour (MR)</source>
        <translation>Tumeur cérébrale (IRM)</translation>
    </message>
    <message>
        <source>Bringing the images to one grid</source>
        <translation>Mise des images sur une même grille</translation>
    </message>
    <message>
        <source>By diameters</source>
        <translation>Selon les diamètres</translation>
    </message>
    <message>
        <source>By volume</source>
        <translation>Selon le volume</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>CT</source>
        <translation>TDM</translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>Annulé.</translation>
    </message>
    <message>
        <source>Cell nuclei (microscopy)</source>
        <translation>Noyaux cellulaires (microscopie)</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>Changement</translation>
    </message>
    <message>
        <source>Change since the first</source>
        <translation>Évolution depuis le premier</translation>
    </message>
    <message>
        <source>Check left and right in both, and convert the wrong one anew.</source>
        <translation>Vérifier la gauche et la droite dans les deux, et convertir à nouveau celle qui est fausse.</translation>
    </message>
    <message>
        <source>Check that the inputs are what they were chosen for.</source>
        <translation>Vérifier que les entrées sont bien ce pour quoi elles ont été choisies.</translation>
    </message>
    <message>
        <source>Check that they show the same part of the body and are registered.</source>
        <translation>Vérifier qu'elles montrent la même partie du corps et sont recalées.</translation>
    </message>
    <message>
        <source>Check the spacing in the header (it is in mm), and that the image is the right one.</source>
        <translation>Vérifier l'espacement dans l'en-tête (en mm), et que l'image est la bonne.</translation>
    </message>
    <message>
        <source>Checking the bundle</source>
        <translation>Contrôle du paquet</translation>
    </message>
    <message>
        <source>Checking the input</source>
        <translation>Contrôle des entrées</translation>
    </message>
    <message>
        <source>Choose a Python instead of the server (Advanced).</source>
        <translation>Choisissez un Python au lieu du serveur (Avancé).</translation>
    </message>
    <message>
        <source>Choose a Python of this machine (Advanced), and save again.</source>
        <translation>Choisissez un Python de cet ordinateur (Avancé), puis enregistrez à nouveau.</translation>
    </message>
    <message>
        <source>Choose a Python that has torch in MedSegDL's settings.</source>
        <translation>Choisir dans les réglages de MedSegDL un Python qui a torch.</translation>
    </message>
    <message>
        <source>Choose a folder made by `medsegdl bundle`, or one with .whl files.</source>
        <translation>Choisir un dossier fait par `medsegdl bundle`, ou un avec des fichiers .whl.</translation>
    </message>
    <message>
        <source>Choose a folder of your own.</source>
        <translation>Choisir un dossier à vous.</translation>
    </message>
    <message>
        <source>Choose among {packages}.</source>
        <translation>Choisir parmi {packages}.</translation>
    </message>
    <message>
        <source>Choose another Python in MedSegDL's settings.</source>
        <translation>Choisir un autre Python dans les réglages de MedSegDL.</translation>
    </message>
    <message>
        <source>Choose another Python in the settings.</source>
        <translation>Choisir un autre Python dans les réglages.</translation>
    </message>
    <message>
        <source>Choose another file if there should be a picture in it.</source>
        <translation>Choisir un autre fichier s'il devait contenir une image.</translation>
    </message>
    <message>
        <source>Choose another file.</source>
        <translation>Choisir un autre fichier.</translation>
    </message>
    <message>
        <source>Choose another file: there is no picture in it.</source>
        <translation>Choisir un autre fichier : celui-ci ne contient pas d'image.</translation>
    </message>
    <message>
        <source>Choose another folder.</source>
        <translation>Choisissez un autre dossier.</translation>
    </message>
    <message>
        <source>Choose another image for one of them, or leave it out.</source>
        <translation>Choisir une autre image pour l'une d'elles, ou la laisser de côté.</translation>
    </message>
    <message>
        <source>Choose the channel with the nuclei and save it alone.</source>
        <translation>Choisir le canal des noyaux et l'enregistrer seul.</translation>
    </message>
    <message>
        <source>Choose the folder that holds the .whl files.</source>
        <translation>Choisir le dossier qui contient les fichiers .whl.</translation>
    </message>
    <message>
        <source>Choose the right image for this input.</source>
        <translation>Choisir la bonne image pour cette entrée.</translation>
    </message>
    <message>
        <source>Choose them in the list.</source>
        <translation>Choisissez-les dans la liste.</translation>
    </message>
    <message>
        <source>Choose weights in Networks.</source>
        <translation>Choisissez des poids dans Réseaux.</translation>
    </message>
    <message>
        <source>Click within it.</source>
        <translation>Cliquer à l'intérieur.</translation>
    </message>
    <message>
        <source>Close other programs, choose the device 'cpu', or crop the image to the region of interest.</source>
        <translation>Fermer d'autres programmes, choisir l'appareil « cpu », ou rogner l'image à la région d'intérêt.</translation>
    </message>
    <message>
        <source>Close other programs, crop the image to the region of interest, or use a machine with more memory.</source>
        <translation>Fermer d'autres programmes, rogner l'image à la région d'intérêt, ou utiliser une machine avec plus de mémoire.</translation>
    </message>
    <message>
        <source>Close other programs, or crop the image to the region of interest.</source>
        <translation>Fermer d'autres programmes, ou rogner l'image à la région d'intérêt.</translation>
    </message>
    <message>
        <source>Close other programs, or crop the images to the region of interest.</source>
        <translation>Fermer d'autres programmes, ou rogner les images à la région d'intérêt.</translation>
    </message>
    <message>
        <source>Close other programs, or segment a smaller part of the volume.</source>
        <translation>Fermer d'autres programmes, ou segmenter une plus petite partie du volume.</translation>
    </message>
    <message>
        <source>Compare pictures by their counts.</source>
        <translation>Comparez les images par leurs comptages.</translation>
    </message>
    <message>
        <source>Compare the studies again.</source>
        <translation>Comparez à nouveau les examens.</translation>
    </message>
    <message>
        <source>Copy it from the start of `medsegdl serve`: http://TOKEN@HOST:PORT.</source>
        <translation>La copier du démarrage de `medsegdl serve` : http://TOKEN@HOST:PORT.</translation>
    </message>
    <message>
        <source>Copy the bundle again, or make it anew with `medsegdl bundle`.</source>
        <translation>Copier à nouveau le paquet, ou le refaire avec `medsegdl bundle`.</translation>
    </message>
    <message>
        <source>Coronal</source>
        <translation>Coronal</translation>
    </message>
    <message>
        <source>Correct further results, and save each as a training case.</source>
        <translation>Corrigez d'autres résultats et enregistrez chacun comme cas d'entraînement.</translation>
    </message>
    <message>
        <source>Correct it in the Segment Editor.</source>
        <translation>Le corriger dans l'éditeur de segments.</translation>
    </message>
    <message>
        <source>Correct the bias before normalising.</source>
        <translation>Corriger le biais avant la normalisation.</translation>
    </message>
    <message>
        <source>Correct the option of the bias correction.</source>
        <translation>Rectifier l'option de la correction du biais.</translation>
    </message>
    <message>
        <source>Correct the spacing in the header (it is in mm).</source>
        <translation>Rectifier l'espacement dans l'en-tête (en mm).</translation>
    </message>
    <message>
        <source>Counted objects</source>
        <translation>Objets comptés</translation>
    </message>
    <message>
        <source>Crop it to the region of interest if that is too much for this computer.</source>
        <translation>La rogner à la région d'intérêt si c'est trop pour cet ordinateur.</translation>
    </message>
    <message>
        <source>Day</source>
        <translation>Jour</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>Appareil</translation>
    </message>
    <message>
        <source>Diameters (mm)</source>
        <translation>Diamètres (mm)</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Terminé</translation>
    </message>
    <message>
        <source>Enhancing tumour</source>
        <translation>Prise de contraste</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>Erreur</translation>
    </message>
    <message>
        <source>FLAIR</source>
        <translation>FLAIR</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>Rapide</translation>
    </message>
    <message>
        <source>Fetching the result</source>
        <translation>Récupération du résultat</translation>
    </message>
    <message>
        <source>Findings</source>
        <translation>Constats</translation>
    </message>
    <message>
        <source>Follow-up changes</source>
        <translation>Suivi : changements</translation>
    </message>
    <message>
        <source>Follow-up chart</source>
        <translation>Suivi : graphique</translation>
    </message>
    <message>
        <source>Follow-up lesions</source>
        <translation>Suivi : lésions</translation>
    </message>
    <message>
        <source>Follow-up thresholds</source>
        <translation>Suivi : seuils</translation>
    </message>
    <message>
        <source>Follow-up volumes</source>
        <translation>Suivi : volumes</translation>
    </message>
    <message>
        <source>Free some space there, or set TMPDIR to a larger disk.</source>
        <translation>Y libérer de la place, ou diriger TMPDIR vers un disque plus grand.</translation>
    </message>
    <message>
        <source>Free some space there, or use a Python that has torch.</source>
        <translation>Y libérer de la place, ou utiliser un Python qui a torch.</translation>
    </message>
    <message>
        <source>Free some space, or set TMPDIR.</source>
        <translation>Libérer de la place, ou définir TMPDIR.</translation>
    </message>
    <message>
        <source>GPU (CUDA)</source>
        <translation>GPU (CUDA)</translation>
    </message>
    <message>
        <source>Give a mask that covers the head, or switch the bias correction off.</source>
        <translation>Donner un masque qui couvre la tête, ou désactiver la correction du biais.</translation>
    </message>
    <message>
        <source>Give a picture of a higher magnification, or the right --pixel-size.</source>
        <translation>Donner une image à plus fort grossissement, ou la bonne --pixel-size.</translation>
    </message>
    <message>
        <source>Give a volume of grey values, one at a time.</source>
        <translation>Donner un volume en niveaux de gris, un à la fois.</translation>
    </message>
    <message>
        <source>Give a volume that is 1 in the brain and 0 elsewhere.</source>
        <translation>Donner un volume qui vaut 1 dans le cerveau et 0 ailleurs.</translation>
    </message>
    <message>
        <source>Give an image of the whole head; there the others alone are used.</source>
        <translation>Donner une image de la tête entière ; là, seules les autres sont utilisées.</translation>
    </message>
    <message>
        <source>Give an image that shows all of it if there is one.</source>
        <translation>Donner une image qui la montre en entier s'il y en a une.</translation>
    </message>
    <message>
        <source>Give at least one of: {titles}.</source>
        <translation>Donner au moins une de : {titles}.</translation>
    </message>
    <message>
        <source>Give images of one patient and examination, registered to each other.</source>
        <translation>Donner des images d'un même patient et d'un même examen, recalées entre elles.</translation>
    </message>
    <message>
        <source>Give one channel.</source>
        <translation>Donner un seul canal.</translation>
    </message>
    <message>
        <source>Give one plane, as PNG, TIFF or JPEG.</source>
        <translation>Donner un seul plan, en PNG, TIFF ou JPEG.</translation>
    </message>
    <message>
        <source>Give the CT as it was reconstructed, or fill what was cut away with -1000.</source>
        <translation>Donner le scanner tel que reconstruit, ou remplir de -1000 ce qui a été coupé.</translation>
    </message>
    <message>
        <source>Give the CT as it was reconstructed, with rescale slope and intercept applied.</source>
        <translation>Donner le scanner tel que reconstruit, avec Rescale Slope et Intercept appliqués.</translation>
    </message>
    <message>
        <source>Give the image as it was before normalisation if there is one.</source>
        <translation>Donner l'image d'avant la normalisation si elle existe.</translation>
    </message>
    <message>
        <source>Give the images too; only MR of the head is registered.</source>
        <translation>Donnez aussi les images ; seules les IRM de la tête sont recalées.</translation>
    </message>
    <message>
        <source>Give the mask that belongs to these images.</source>
        <translation>Donner le masque qui appartient à ces images.</translation>
    </message>
    <message>
        <source>Give the right --pixel-size if the picture's own is wrong.</source>
        <translation>Donner la bonne --pixel-size si celle de l'image est fausse.</translation>
    </message>
    <message>
        <source>Give the side of a pixel in micrometres (--pixel-size).</source>
        <translation>Donner le côté d'un pixel en micromètres (--pixel-size).</translation>
    </message>
    <message>
        <source>Give the three-dimensional image that it was taken from.</source>
        <translation>Donner l'image tridimensionnelle dont elle provient.</translation>
    </message>
    <message>
        <source>Give the whole volume if there is one.</source>
        <translation>Donner le volume entier s'il existe.</translation>
    </message>
    <message>
        <source>Give the {titles} image too if there is one.</source>
        <translation>Donner aussi l'image {titles} s'il y en a une.</translation>
    </message>
    <message>
        <source>Give {missing} too.</source>
        <translation>Donner aussi {missing}.</translation>
    </message>
    <message>
        <source>Give {wanted} too if there is one.</source>
        <translation>Donner aussi {wanted} s'il y en a.</translation>
    </message>
    <message>
        <source>Grid of the result</source>
        <translation>Grille du résultat</translation>
    </message>
    <message>
        <source>Harden the transform (Data module) or resample the volume first.</source>
        <translation>D'abord appliquer la transformation (module Data, Harden) ou rééchantillonner le volume.</translation>
    </message>
    <message>
        <source>Hold the letters (R, L, A, P) at the edges of the views against the anatomy before you use the result.</source>
        <translation>Comparez les lettres (R, L, A, P) au bord des vues avec l’anatomie avant d’utiliser le résultat.</translation>
    </message>
    <message>
        <source>If its training images were stored otherwise, import it with --orientation.</source>
        <translation>Si ses images d'entraînement étaient stockées autrement, l'importer avec --orientation.</translation>
    </message>
    <message>
        <source>In brackets: how many of the voxels with such probabilities were right in cases that the network had not seen.</source>
        <translation>Entre parenthèses : combien des voxels de telles probabilités étaient justes dans des cas que le réseau n'avait pas vus.</translation>
    </message>
    <message>
        <source>Inputs</source>
        <translation>Entrées</translation>
    </message>
    <message>
        <source>Install highdicom there, or choose another Python in the settings.</source>
        <translation>Installez-y highdicom, ou choisissez un autre Python dans les réglages.</translation>
    </message>
    <message>
        <source>Install it there: pip install medsegdl-training.</source>
        <translation>Installez-le à cet endroit : pip install medsegdl-training.</translation>
    </message>
    <message>
        <source>Install it with the Extensions Manager and restart Slicer, or make a private environment.</source>
        <translation>L'installer avec l'Extensions Manager et redémarrer Slicer, ou créer un environnement privé.</translation>
    </message>
    <message>
        <source>It is the only image.</source>
        <translation>c'est la seule image</translation>
    </message>
    <message>
        <source>Its inputs are: {titles}.</source>
        <translation>Ses entrées sont : {titles}.</translation>
    </message>
    <message>
        <source>Judging on the cases kept back</source>
        <translation>Évaluation sur les cas mis de côté</translation>
    </message>
    <message>
        <source>Last study</source>
        <translation>Dernier examen</translation>
    </message>
    <message>
        <source>Learning from the corrections</source>
        <translation>Apprentissage à partir des corrections</translation>
    </message>
    <message>
        <source>Learning stopped: {last}</source>
        <translation>L'apprentissage s'est arrêté : {last}</translation>
    </message>
    <message>
        <source>Leave --pixel-size out: a volume tells its own.</source>
        <translation>Omettre --pixel-size : un volume indique la sienne.</translation>
    </message>
    <message>
        <source>Lesion</source>
        <translation>Lésion</translation>
    </message>
    <message>
        <source>Lesions</source>
        <translation>Lésions</translation>
    </message>
    <message>
        <source>Lesions of the last study</source>
        <translation>Lésions du dernier examen</translation>
    </message>
    <message>
        <source>Let the brain be extracted, or give a brain mask.</source>
        <translation>Laisser extraire le cerveau, ou donner un masque du cerveau.</translation>
    </message>
    <message>
        <source>Let this machine trust it ($SSL_CERT_FILE).</source>
        <translation>Faire que cette machine lui fasse confiance ($SSL_CERT_FILE).</translation>
    </message>
    <message>
        <source>Liver</source>
        <translation>Foie</translation>
    </message>
    <message>
        <source>Liver and liver tumours (CT)</source>
        <translation>Foie et tumeurs du foie (TDM)</translation>
    </message>
    <message>
        <source>Liver tumour</source>
        <translation>Tumeur du foie</translation>
    </message>
    <message>
        <source>Liver without tumours</source>
        <translation>Foie sans les tumeurs</translation>
    </message>
    <message>
        <source>Load it again, or select another one.</source>
        <translation>Le recharger, ou en choisir un autre.</translation>
    </message>
    <message>
        <source>Load it again.</source>
        <translation>Le recharger.</translation>
    </message>
    <message>
        <source>Load it, and segment it again.</source>
        <translation>Le charger et le segmenter à nouveau.</translation>
    </message>
    <message>
        <source>Load its series by Slicer's DICOM module, segment it, and save that.</source>
        <translation>Chargez sa série avec le module DICOM de Slicer, segmentez-la, et enregistrez cela.</translation>
    </message>
    <message>
        <source>Loading the weights</source>
        <translation>Chargement des poids</translation>
    </message>
    <message>
        <source>Longest diameter in an axial slice, and the longest one across it.</source>
        <translation>Le plus long diamètre dans une coupe axiale, et le plus long en travers.</translation>
    </message>
    <message>
        <source>Look at both on each other, and register them by hand.</source>
        <translation>Regarder les deux superposées, et les recaler à la main.</translation>
    </message>
    <message>
        <source>Look at both on each other; without registration it stays where it is.</source>
        <translation>Regarder les deux superposées ; sans recalage elle reste où elle est.</translation>
    </message>
    <message>
        <source>Look at the brain mask that comes with the result.</source>
        <translation>Regarder le masque du cerveau fourni avec le résultat.</translation>
    </message>
    <message>
        <source>Look at the brain mask; correct it and give it as the brain mask if it is wrong.</source>
        <translation>Regarder le masque du cerveau ; s'il est faux, le corriger et le donner comme masque du cerveau.</translation>
    </message>
    <message>
        <source>Look at the result on the images before you use it.</source>
        <translation>Regarder le résultat sur les images avant de l'utiliser.</translation>
    </message>
    <message>
        <source>Look at the studies on each other.</source>
        <translation>Regardez les examens superposés.</translation>
    </message>
    <message>
        <source>Look whether there is a second, small lesion.</source>
        <translation>Vérifiez s’il existe une deuxième petite lésion.</translation>
    </message>
    <message>
        <source>Looked for within a brain mask of {volume} mL.</source>
        <translation>Cherché dans un masque du cerveau de {volume} mL.</translation>
    </message>
    <message>
        <source>Looking for the brain</source>
        <translation>Recherche du cerveau</translation>
    </message>
    <message>
        <source>Looking for the training package</source>
        <translation>Recherche du paquet d'entraînement</translation>
    </message>
    <message>
        <source>Looking how the {entry} lies</source>
        <translation>Recherche de la position de {entry}</translation>
    </message>
    <message>
        <source>MR</source>
        <translation>IRM</translation>
    </message>
    <message>
        <source>Made on {date} with MedSegDL {version}.</source>
        <translation>Fait le {date} avec MedSegDL {version}.</translation>
    </message>
    <message>
        <source>Make a private environment instead.</source>
        <translation>Créer plutôt un environnement privé.</translation>
    </message>
    <message>
        <source>Make it first (Advanced), or install the packages by hand.</source>
        <translation>Le créer d'abord (Avancé), ou installer les paquets à la main.</translation>
    </message>
    <message>
        <source>Make room there, and learn again.</source>
        <translation>Libérez de la place et relancez l'apprentissage.</translation>
    </message>
    <message>
        <source>Make sure that every image is what it was chosen for.</source>
        <translation>S'assurer que chaque image est bien ce pour quoi elle a été choisie.</translation>
    </message>
    <message>
        <source>Make sure that every image is what it was chosen for. Left must be left in all of them.</source>
        <translation>S'assurer que chaque image est bien ce pour quoi elle a été choisie. La gauche doit être à gauche dans toutes.</translation>
    </message>
    <message>
        <source>Make sure that it is the image and not its segmentation.</source>
        <translation>S'assurer que c'est l'image et non sa segmentation.</translation>
    </message>
    <message>
        <source>Make sure that it is the right image; a CT that was cropped to the body looks like this too.</source>
        <translation>S'assurer que c'est la bonne image ; un scanner rogné au corps y ressemble aussi.</translation>
    </message>
    <message>
        <source>Making the environment</source>
        <translation>Création de l'environnement</translation>
    </message>
    <message>
        <source>Measuring</source>
        <translation>Mesure</translation>
    </message>
    <message>
        <source>Name their folders in the order of time.</source>
        <translation>Nommez leurs dossiers dans l'ordre du temps.</translation>
    </message>
    <message>
        <source>Necrosis and non-enhancing tumour</source>
        <translation>Nécrose et tumeur sans prise de contraste</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>Réseau</translation>
    </message>
    <message>
        <source>Network's own probability</source>
        <translation>Probabilité propre au réseau</translation>
    </message>
    <message>
        <source>Network's own probability: its mean within the region or lesion. It is not calibrated: a network may be sure and wrong.</source>
        <translation>Probabilité propre au réseau : sa moyenne dans la région ou la lésion. Elle n'est pas calibrée : un réseau peut être sûr et se tromper.</translation>
    </message>
    <message>
        <source>No brain was found in the images: they are used as they are, and parts outside the brain may be taken for tumour.</source>
        <translation>Aucun cerveau n'a été trouvé dans les images : elles sont utilisées telles quelles, et des parties hors du cerveau peuvent être prises pour une tumeur.</translation>
    </message>
    <message>
        <source>No image was given for {task}.</source>
        <translation>Aucune image n'a été donnée pour : {task}.</translation>
    </message>
    <message>
        <source>No objects.</source>
        <translation>Aucun objet.</translation>
    </message>
    <message>
        <source>No temporary folder can be made in {where}: {error}.</source>
        <translation>Impossible de créer un dossier temporaire dans {where} : {error}.</translation>
    </message>
    <message>
        <source>No volume is selected.</source>
        <translation>Aucun volume n'est choisi.</translation>
    </message>
    <message>
        <source>None.</source>
        <translation>Aucun.</translation>
    </message>
    <message>
        <source>Not known: the result was not made by this version, or without a record.</source>
        <translation>Inconnu : le résultat n'a pas été fait par cette version, ou sans journal.</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Remarque</translation>
    </message>
    <message>
        <source>Nothing need be done if a constant was added to the image.</source>
        <translation>Rien à faire si une constante a été ajoutée à l'image.</translation>
    </message>
    <message>
        <source>Nothing need be done if they are of one examination; else register them first.</source>
        <translation>Rien à faire si elles sont d'un même examen ; sinon les recaler d'abord.</translation>
    </message>
    <message>
        <source>Nothing was found of {names}.</source>
        <translation>Rien n'a été trouvé de : {names}.</translation>
    </message>
    <message>
        <source>Nothing was found of {region} but parts that are too small or outside of what contains it.</source>
        <translation>{region} : seules des parties trop petites ou hors de ce qui la contient ont été trouvées.</translation>
    </message>
    <message>
        <source>Nothing was found of {region}: its largest probability is {peak}, and {threshold} is needed.</source>
        <translation>{region} : rien trouvé ; la plus grande probabilité est {peak}, il faut {threshold}.</translation>
    </message>
    <message>
        <source>Nuclei</source>
        <translation>Noyaux cellulaires</translation>
    </message>
    <message>
        <source>Number</source>
        <translation>Numéro</translation>
    </message>
    <message>
        <source>Oedema</source>
        <translation>Œdème</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Non</translation>
    </message>
    <message>
        <source>On</source>
        <translation>Oui</translation>
    </message>
    <message>
        <source>On such series this measured better; look at the outlines' rims.</source>
        <translation>Sur de telles séries, cela s'est montré meilleur ; regardez les bords des contours.</translation>
    </message>
    <message>
        <source>One object of {mean} pixels.</source>
        <translation>Un objet de {mean} pixels.</translation>
    </message>
    <message>
        <source>Open it in the DICOM module, and save again.</source>
        <translation>Ouvrez-la dans le module DICOM, puis enregistrez à nouveau.</translation>
    </message>
    <message>
        <source>Outlines</source>
        <translation>Contours</translation>
    </message>
    <message>
        <source>Outlines on the image: {image}.</source>
        <translation>Contours sur l'image : {image}.</translation>
    </message>
    <message>
        <source>Outlines only: the image was not given.</source>
        <translation>Contours seulement : l'image n'a pas été donnée.</translation>
    </message>
    <message>
        <source>Packages</source>
        <translation>Paquets</translation>
    </message>
    <message>
        <source>Partial</source>
        <translation>Partielle</translation>
    </message>
    <message>
        <source>Partial response is counted from the first study, progression from the smallest value so far; a new measurable lesion ({smallest} mm and more) is progression; up to {targets} largest lesions are targets.</source>
        <translation>La réponse partielle se compte depuis le premier examen, la progression depuis la plus petite valeur observée ; une nouvelle lésion mesurable ({smallest} mm et plus) est une progression ; les cibles sont au plus les {targets} plus grandes lésions.</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Image</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>Images</translation>
    </message>
    <message>
        <source>Pixels of {side} micrometres are too coarse for {title}: what was found is doubtful.</source>
        <translation>Des pixels de {side} micromètres sont trop grossiers pour {title} : ce qui a été trouvé est douteux.</translation>
    </message>
    <message>
        <source>Place (mm)</source>
        <translation>Lieu (mm)</translation>
    </message>
    <message>
        <source>Please report it with the log (Advanced).</source>
        <translation>Merci de le signaler avec le journal (Avancé).</translation>
    </message>
    <message>
        <source>Please report it with the log.</source>
        <translation>Merci de le signaler avec le journal.</translation>
    </message>
    <message>
        <source>Prefer a series with thinner slices if there is one.</source>
        <translation>Préférer une série à coupes plus fines s'il y en a une.</translation>
    </message>
    <message>
        <source>Preparing</source>
        <translation>Préparation</translation>
    </message>
    <message>
        <source>Progressive</source>
        <translation>Progression</translation>
    </message>
    <message>
        <source>Put the files back, or import the series again.</source>
        <translation>Remettez les fichiers en place, ou importez la série à nouveau.</translation>
    </message>
    <message>
        <source>Put the files back, or load the series again.</source>
        <translation>Remettez les fichiers en place, ou chargez la série à nouveau.</translation>
    </message>
    <message>
        <source>PyTorch was not installed.</source>
        <translation>PyTorch n'a pas été installé.</translation>
    </message>
    <message>
        <source>Reading the series</source>
        <translation>Lecture de la série</translation>
    </message>
    <message>
        <source>Region</source>
        <translation>Région</translation>
    </message>
    <message>
        <source>Region (mL)</source>
        <translation>Région (mL)</translation>
    </message>
    <message>
        <source>Replace them (by 0 where they lie in the background) and save the image again.</source>
        <translation>Les remplacer (par 0 s'ils sont dans le fond) et enregistrer à nouveau l'image.</translation>
    </message>
    <message>
        <source>Resample the mask to the image.</source>
        <translation>Rééchantillonner le masque sur l'image.</translation>
    </message>
    <message>
        <source>Research software, not a medical device.</source>
        <translation>Logiciel de recherche, pas un dispositif médical.</translation>
    </message>
    <message>
        <source>Response of the last study</source>
        <translation>Réponse au dernier examen</translation>
    </message>
    <message>
        <source>Restoring the regions</source>
        <translation>Restitution des régions</translation>
    </message>
    <message>
        <source>Run record</source>
        <translation>Journal de l'exécution</translation>
    </message>
    <message>
        <source>SHA-256 of the network</source>
        <translation>SHA-256 du réseau</translation>
    </message>
    <message>
        <source>Sagittal</source>
        <translation>Sagittal</translation>
    </message>
    <message>
        <source>Save cases with a segmentation that is not empty.</source>
        <translation>Enregistrez des cas dont la segmentation n'est pas vide.</translation>
    </message>
    <message>
        <source>Save it with 8 bits a colour.</source>
        <translation>L'enregistrer avec 8 bits par couleur.</translation>
    </message>
    <message>
        <source>Save it with as many colours as the pictures that the network was trained with.</source>
        <translation>L'enregistrer avec autant de couleurs que les images d'entraînement du réseau.</translation>
    </message>
    <message>
        <source>Saving as DICOM needs pydicom and highdicom, and {sys} has no {error}.</source>
        <translation>L'enregistrement en DICOM demande pydicom et highdicom, et {sys} n'a pas {error}.</translation>
    </message>
    <message>
        <source>Seconds</source>
        <translation>Secondes</translation>
    </message>
    <message>
        <source>Segment again, or draw some.</source>
        <translation>Segmentez à nouveau, ou dessinez-en.</translation>
    </message>
    <message>
        <source>Segment again.</source>
        <translation>Segmentez à nouveau.</translation>
    </message>
    <message>
        <source>Segment all of them with the same weights.</source>
        <translation>Segmentez-les tous avec les mêmes poids.</translation>
    </message>
    <message>
        <source>Segment first.</source>
        <translation>Segmenter d'abord.</translation>
    </message>
    <message>
        <source>Segment it again.</source>
        <translation>Le segmenter à nouveau.</translation>
    </message>
    <message>
        <source>Segment them again, and correct that result.</source>
        <translation>Les segmenter à nouveau, et corriger ce résultat.</translation>
    </message>
    <message>
        <source>Segmenting</source>
        <translation>Segmentation</translation>
    </message>
    <message>
        <source>Segments were drawn on a finer or turned grid: each voxel of the series took the nearest of theirs.</source>
        <translation>Des segments ont été dessinés sur une grille plus fine ou tournée : chaque voxel de la série a pris le plus proche des leurs.</translation>
    </message>
    <message>
        <source>Select at least one input.</source>
        <translation>Choisir au moins une entrée.</translation>
    </message>
    <message>
        <source>Select one.</source>
        <translation>En choisir un.</translation>
    </message>
    <message>
        <source>Sending the images</source>
        <translation>Envoi des images</translation>
    </message>
    <message>
        <source>Share</source>
        <translation>Part</translation>
    </message>
    <message>
        <source>Slices through the largest lesion.</source>
        <translation>Coupes par la plus grande lésion.</translation>
    </message>
    <message>
        <source>Slices through the middle.</source>
        <translation>Coupes par le milieu.</translation>
    </message>
    <message>
        <source>Source</source>
        <translation>Source</translation>
    </message>
    <message>
        <source>Studies, on the first one</source>
        <translation>Examens, placés sur le premier</translation>
    </message>
    <message>
        <source>Study</source>
        <translation>Examen</translation>
    </message>
    <message>
        <source>Study before</source>
        <translation>Examen précédent</translation>
    </message>
    <message>
        <source>Study {number}</source>
        <translation>Examen {number}</translation>
    </message>
    <message>
        <source>Study {number} could not be registered to the first one: its lesions are matched as they lie.</source>
        <translation>L'examen {number} n'a pas pu être recalé sur le premier : ses lésions sont appariées telles quelles.</translation>
    </message>
    <message>
        <source>Study {number} lay {shift} mm and {turn} degrees off the first one: it was registered.</source>
        <translation>L'examen {number} était à {shift} mm et {turn} degrés du premier : il a été recalé.</translation>
    </message>
    <message>
        <source>Study {number} was not registered to the first one: its lesions are matched as they lie.</source>
        <translation>L'examen {number} n'a pas été recalé sur le premier : ses lésions sont appariées telles quelles.</translation>
    </message>
    <message>
        <source>Sum of targets</source>
        <translation>Somme des cibles</translation>
    </message>
    <message>
        <source>T1</source>
        <translation>T1</translation>
    </message>
    <message>
        <source>T1ce</source>
        <translation>T1 Gd (T1ce)</translation>
    </message>
    <message>
        <source>T2</source>
        <translation>T2</translation>
    </message>
    <message>
        <source>Take the image as it was acquired: a slice was copied, or it was resampled without interpolation.</source>
        <translation>Prendre l'image telle qu'acquise : une coupe a été copiée, ou elle a été rééchantillonnée sans interpolation.</translation>
    </message>
    <message>
        <source>Taking it into use</source>
        <translation>Mise en service</translation>
    </message>
    <message>
        <source>Task</source>
        <translation>Tâche</translation>
    </message>
    <message>
        <source>The DICOM database was closed meanwhile.</source>
        <translation>La base de données DICOM a été fermée entre-temps.</translation>
    </message>
    <message>
        <source>The Python {interpreter} cannot be started: {error}.</source>
        <translation>Le Python {interpreter} ne peut pas être démarré : {error}.</translation>
    </message>
    <message>
        <source>The Python {launch} cannot be started: {error}.</source>
        <translation>Le Python {launch} ne peut pas être lancé : {error}.</translation>
    </message>
    <message>
        <source>The bias correction has nothing to work on: its mask is empty, or every voxel in it is zero, negative or not a number.</source>
        <translation>La correction du biais n'a rien à traiter : son masque est vide, ou tous ses voxels sont nuls, négatifs ou non numériques.</translation>
    </message>
    <message>
        <source>The brain mask holds {volume_ml} mL, which is no whole brain of usual size.</source>
        <translation>Le masque du cerveau contient {volume_ml} mL, ce qui n'est pas un cerveau entier de taille usuelle.</translation>
    </message>
    <message>
        <source>The bundle lacks {name}.</source>
        <translation>Il manque {name} au paquet.</translation>
    </message>
    <message>
        <source>The certificate of {address} is not trusted ({error}).</source>
        <translation>Le certificat de {address} n'est pas digne de confiance ({error}).</translation>
    </message>
    <message>
        <source>The comparison came with the scene, without its pictures.</source>
        <translation>La comparaison est venue avec la scène, sans ses images.</translation>
    </message>
    <message>
        <source>The earlier weights could not be put back into {place}: {error}.</source>
        <translation>Les poids précédents n'ont pas pu être remis dans {place} : {error}.</translation>
    </message>
    <message>
        <source>The extension PyTorch is not installed.</source>
        <translation>L'extension PyTorch n'est pas installée.</translation>
    </message>
    <message>
        <source>The file {name} of the request cannot be read ({error}).</source>
        <translation>Le fichier {name} de la requête est illisible ({error}).</translation>
    </message>
    <message>
        <source>The files hold several time points, and which of them the volume shows is not known.</source>
        <translation>Les fichiers contiennent plusieurs temps, et l'on ne sait pas lequel le volume montre.</translation>
    </message>
    <message>
        <source>The folder of wheels {options} is not there.</source>
        <translation>Le dossier de paquets {options} n'existe pas.</translation>
    </message>
    <message>
        <source>The folder {folder} cannot be written: {error}.</source>
        <translation>Impossible d'écrire dans le dossier {folder} : {error}.</translation>
    </message>
    <message>
        <source>The image is stored along {aligned}, and the network takes its axes as they are stored, as its origin does.</source>
        <translation>L'image est stockée selon {aligned}, et le réseau prend ses axes tels que stockés, comme son origine.</translation>
    </message>
    <message>
        <source>The input '{key}' of the request is not an image: {error}.</source>
        <translation>L'entrée « {key} » de la requête n'est pas une image : {error}.</translation>
    </message>
    <message>
        <source>The kept cases could not be judged.</source>
        <translation>Les cas mis de côté n'ont pas pu être jugés.</translation>
    </message>
    <message>
        <source>The learned weights are no longer in use: others have taken their place.</source>
        <translation>Les poids appris ne sont plus utilisés : d'autres les ont remplacés.</translation>
    </message>
    <message>
        <source>The mask {mask} is not on the grid of {image}.</source>
        <translation>Le masque {mask} n'est pas sur la grille de {image}.</translation>
    </message>
    <message>
        <source>The memory of this machine was not enough for the network.</source>
        <translation>La mémoire de cette machine n'a pas suffi pour le réseau.</translation>
    </message>
    <message>
        <source>The memory of this machine was not enough.</source>
        <translation>La mémoire de cette machine n'a pas suffi.</translation>
    </message>
    <message>
        <source>The network in use is as it was.</source>
        <translation>Le réseau utilisé est inchangé.</translation>
    </message>
    <message>
        <source>The network of a server cannot learn here.</source>
        <translation>Le réseau d'un serveur ne peut pas apprendre ici.</translation>
    </message>
    <message>
        <source>The network saw the picture with pixels of {wanted} in place of {side} micrometres; the result has the latter.</source>
        <translation>Le réseau a vu l'image avec des pixels de {wanted} au lieu de {side} micromètres ; le résultat a ces derniers.</translation>
    </message>
    <message>
        <source>The new weights could not be put into {place}: {error}.</source>
        <translation>Les nouveaux poids n'ont pas pu être placés dans {place} : {error}.</translation>
    </message>
    <message>
        <source>The package {unknown} is none that a network needs.</source>
        <translation>Le paquet {unknown} n'est requis par aucun réseau.</translation>
    </message>
    <message>
        <source>The patient's right is on the left of axial and coronal pictures; anterior is on the left of sagittal ones.</source>
        <translation>La droite du patient est à gauche des images axiales et coronales ; l'avant est à gauche des sagittales.</translation>
    </message>
    <message>
        <source>The phantom could not be computed: {last}</source>
        <translation>Le fantôme n'a pas pu être calculé : {last}</translation>
    </message>
    <message>
        <source>The picture has values from {least} to {most}, but this network needs colours from 0 to 255.</source>
        <translation>L'image a des valeurs de {least} à {most}, mais ce réseau veut des couleurs de 0 à 255.</translation>
    </message>
    <message>
        <source>The picture has {found} value a pixel, and this network takes {wanted}.</source>
        <translation>L'image a {found} valeurs par pixel, et ce réseau en prend {wanted}.</translation>
    </message>
    <message>
        <source>The picture has {found} values a pixel, and this network takes {wanted}.</source>
        <translation>L'image a {found} valeurs par pixel, et ce réseau en prend {wanted}.</translation>
    </message>
    <message>
        <source>The point lies outside of '{volume}'.</source>
        <translation>Le point est hors de « {volume} ».</translation>
    </message>
    <message>
        <source>The private environment is being made or removed already.</source>
        <translation>L'environnement privé est déjà en cours de création ou de suppression.</translation>
    </message>
    <message>
        <source>The private environment is being made or removed.</source>
        <translation>L'environnement privé est en cours de création ou de suppression.</translation>
    </message>
    <message>
        <source>The private environment needs {gigabytes} GB in {folder}, and {free} GB are free.</source>
        <translation>L'environnement privé demande {gigabytes} GB dans {folder}, et {free} GB sont libres.</translation>
    </message>
    <message>
        <source>The request to save as DICOM does not fit: {error}.</source>
        <translation>La demande d'enregistrement en DICOM ne convient pas : {error}.</translation>
    </message>
    <message>
        <source>The segment could not be written into '{node}'.</source>
        <translation>Le segment n'a pas pu être écrit dans « {node} ».</translation>
    </message>
    <message>
        <source>The segmentation has no segments.</source>
        <translation>La segmentation n'a pas de segments.</translation>
    </message>
    <message>
        <source>The segmentation process crashed ({crash}).</source>
        <translation>Le processus de segmentation a planté ({crash}).</translation>
    </message>
    <message>
        <source>The segmentation process ended with code {code}{said}.</source>
        <translation>Le processus de segmentation s'est terminé avec le code {code}{said}.</translation>
    </message>
    <message>
        <source>The segmentation process gave an answer that cannot be read.</source>
        <translation>Le processus de segmentation a donné une réponse illisible.</translation>
    </message>
    <message>
        <source>The segmentation was removed while its uncertainty was computed.</source>
        <translation>La segmentation a été retirée pendant le calcul de son incertitude.</translation>
    </message>
    <message>
        <source>The segments were edited after the run; the figures are those of the edited ones.</source>
        <translation>Les segments ont été modifiés après l'exécution ; les chiffres sont ceux des segments modifiés.</translation>
    </message>
    <message>
        <source>The series states no FrameOfReferenceUID: the DICOM results name one of their own.</source>
        <translation>La série n'indique pas de FrameOfReferenceUID : les résultats DICOM en indiquent un à eux.</translation>
    </message>
    <message>
        <source>The slices are thick: a voxel belongs to a region from a probability of {used} on, not of {usual}.</source>
        <translation>Les coupes sont épaisses : un voxel appartient à une région à partir d'une probabilité de {used}, et non de {usual}.</translation>
    </message>
    <message>
        <source>The studies were segmented with different networks: a change may be the network's.</source>
        <translation>Les examens ont été segmentés par des réseaux différents : un changement peut venir du réseau.</translation>
    </message>
    <message>
        <source>The system ended the segmentation process, most likely because memory ran out.</source>
        <translation>Le système a arrêté le processus de segmentation, sans doute faute de mémoire.</translation>
    </message>
    <message>
        <source>The task of the result does not fit: {fault}.</source>
        <translation>La tâche du résultat ne convient pas : {fault}.</translation>
    </message>
    <message>
        <source>The temporary file {name} cannot be written in {parent}: {reason}.</source>
        <translation>Le fichier temporaire {name} ne peut pas être écrit dans {parent} : {reason}.</translation>
    </message>
    <message>
        <source>The training package cannot be started.</source>
        <translation>Le paquet d'entraînement ne peut pas être démarré.</translation>
    </message>
    <message>
        <source>The training package is not installed in the worker's Python.</source>
        <translation>Le paquet d'entraînement n'est pas installé dans le Python du programme auxiliaire.</translation>
    </message>
    <message>
        <source>The volume came from Slicer's DICOM database, and this application has none.</source>
        <translation>Le volume vient de la base de données DICOM de Slicer, et cette application n'en a pas.</translation>
    </message>
    <message>
        <source>The volume does not lie on the voxels of its series (it was moved, cropped or resampled, or the gantry was tilted).</source>
        <translation>Le volume ne repose pas sur les voxels de sa série (il a été déplacé, recadré ou rééchantillonné, ou le statif était incliné).</translation>
    </message>
    <message>
        <source>The volume does not show its series (slices in another order, another time point, or changed values).</source>
        <translation>Le volume ne montre pas sa série (coupes dans un autre ordre, autre temps, ou valeurs modifiées).</translation>
    </message>
    <message>
        <source>The volume that '{node}' was made from is not in the scene.</source>
        <translation>Le volume dont provient « {node} » n'est pas dans la scène.</translation>
    </message>
    <message>
        <source>The volume that the result lies on is no longer in the scene.</source>
        <translation>Le volume sur lequel repose le résultat n'est plus dans la scène.</translation>
    </message>
    <message>
        <source>The volume that the result lies on was not loaded from DICOM: there is nothing to refer to.</source>
        <translation>Le volume sur lequel repose le résultat n'a pas été chargé depuis DICOM : il n'y a rien à quoi se référer.</translation>
    </message>
    <message>
        <source>The volumes that '{node}' was made from are not known.</source>
        <translation>Les volumes dont provient « {node} » ne sont pas connus.</translation>
    </message>
    <message>
        <source>There are {names} corrected cases, and {least_cases} are needed: two to learn from, and one to be judged on.</source>
        <translation>Il y a {names} cas corrigés, et il en faut {least_cases} : deux pour apprendre et un pour juger.</translation>
    </message>
    <message>
        <source>There is no private environment.</source>
        <translation>Il n'y a pas d'environnement privé.</translation>
    </message>
    <message>
        <source>There is no result to report on.</source>
        <translation>Il n'y a pas de résultat pour un rapport.</translation>
    </message>
    <message>
        <source>There is no result to save.</source>
        <translation>Il n'y a pas de résultat à enregistrer.</translation>
    </message>
    <message>
        <source>There is not enough free memory: the network needs {gib} GiB for an image of this size.</source>
        <translation>Il n'y a pas assez de mémoire libre : le réseau demande {gib} GiB pour une image de cette taille.</translation>
    </message>
    <message>
        <source>There is one corrected case, and {least_cases} are needed: two to learn from, and one to be judged on.</source>
        <translation>Il y a un cas corrigé, et il en faut {least_cases} : deux pour apprendre et un pour juger.</translation>
    </message>
    <message>
        <source>There may be none in the image.</source>
        <translation>Il n'y en a peut-être pas dans l'image.</translation>
    </message>
    <message>
        <source>There may be none.</source>
        <translation>Il n'y en a peut-être pas.</translation>
    </message>
    <message>
        <source>They lie in {kept}.</source>
        <translation>Ils se trouvent dans {kept}.</translation>
    </message>
    <message>
        <source>This is no address of a server.</source>
        <translation>Ce n'est pas l'adresse d'un serveur.</translation>
    </message>
    <message>
        <source>Thresholds</source>
        <translation>Seuils</translation>
    </message>
    <message>
        <source>Try again; if it happens again, choose the device 'cpu', or another Python for the segmentation.</source>
        <translation>Réessayer ; si cela se répète, choisir l'appareil « cpu », ou un autre Python pour la segmentation.</translation>
    </message>
    <message>
        <source>Try again; the log shows its last lines.</source>
        <translation>Réessayer ; le journal montre ses dernières lignes.</translation>
    </message>
    <message>
        <source>Trying it out</source>
        <translation>Essai</translation>
    </message>
    <message>
        <source>Tumour core</source>
        <translation>Noyau tumoral</translation>
    </message>
    <message>
        <source>Volume</source>
        <translation>Volume</translation>
    </message>
    <message>
        <source>Volume '{node}' holds no voxels.</source>
        <translation>Le volume « {node} » ne contient aucun voxel.</translation>
    </message>
    <message>
        <source>Volume '{volume_node}' changed while it was segmented.</source>
        <translation>Le volume « {volume_node} » a changé pendant sa segmentation.</translation>
    </message>
    <message>
        <source>Volume '{volume}' was removed while it was segmented.</source>
        <translation>Le volume « {volume} » a été retiré pendant sa segmentation.</translation>
    </message>
    <message>
        <source>Volumes</source>
        <translation>Volumes</translation>
    </message>
    <message>
        <source>Wait for it, or cancel it where it was begun.</source>
        <translation>Attendre, ou l'annuler là où cela a été lancé.</translation>
    </message>
    <message>
        <source>Wait for it, or cancel it.</source>
        <translation>Attendre, ou l'annuler.</translation>
    </message>
    <message>
        <source>Waiting for the server: {away}</source>
        <translation>En attente du serveur : {away}</translation>
    </message>
    <message>
        <source>Warning</source>
        <translation>Avertissement</translation>
    </message>
    <message>
        <source>Wen and others 2023, the same table</source>
        <translation>Wen et coll. 2023, même tableau</translation>
    </message>
    <message>
        <source>What the images show is longer from front to back than from left to right: it is cut off, or its header exchanges axes.</source>
        <translation>Ce que montrent les images est plus long d’avant en arrière que de gauche à droite : le champ est coupé, ou l’en-tête échange des axes.</translation>
    </message>
    <message>
        <source>What the images show is longer from left to right than from front to back: it is cut off, or its header exchanges axes.</source>
        <translation>Ce que montrent les images est plus long de gauche à droite que d’avant en arrière : le champ est coupé, ou l’en-tête échange des axes.</translation>
    </message>
    <message>
        <source>Whole tumour</source>
        <translation>Tumeur entière</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>Écriture</translation>
    </message>
    <message>
        <source>Writing the weights</source>
        <translation>Écriture des poids</translation>
    </message>
    <message>
        <source>a CT</source>
        <translation>un scanner (TDM)</translation>
    </message>
    <message>
        <source>a picture</source>
        <translation>une image plane</translation>
    </message>
    <message>
        <source>an MR image</source>
        <translation>une image IRM</translation>
    </message>
    <message>
        <source>bias correction</source>
        <translation>correction du biais</translation>
    </message>
    <message>
        <source>brain extraction</source>
        <translation>extraction du cerveau</translation>
    </message>
    <message>
        <source>brain mask</source>
        <translation>masque du cerveau</translation>
    </message>
    <message>
        <source>bundle.json in {folder} is damaged.</source>
        <translation>bundle.json dans {folder} est endommagé.</translation>
    </message>
    <message>
        <source>calibrated_probability</source>
        <translation>probabilite_calibree</translation>
    </message>
    <message>
        <source>complete response</source>
        <translation>réponse complète</translation>
    </message>
    <message>
        <source>gone</source>
        <translation>disparue</translation>
    </message>
    <message>
        <source>it is a thousand times too small</source>
        <translation>elle est mille fois trop petite</translation>
    </message>
    <message>
        <source>it is ten times too large</source>
        <translation>elle est dix fois trop grande</translation>
    </message>
    <message>
        <source>it is ten times too small</source>
        <translation>elle est dix fois trop petite</translation>
    </message>
    <message>
        <source>its header names the contrast agent {quote}</source>
        <translation>son en-tête nomme le produit de contraste {quote}</translation>
    </message>
    <message>
        <source>its header says {quote}</source>
        <translation>son en-tête dit {quote}</translation>
    </message>
    <message>
        <source>its image type says {quote}</source>
        <translation>son type d'image dit {quote}</translation>
    </message>
    <message>
        <source>its name says {quote}</source>
        <translation>son nom dit {quote}</translation>
    </message>
    <message>
        <source>its offset of -1024 was applied twice</source>
        <translation>son décalage de -1024 a été appliqué deux fois</translation>
    </message>
    <message>
        <source>its offset of -1024 was never applied, or dark and bright are exchanged</source>
        <translation>son décalage de -1024 n'a jamais été appliqué, ou clair et sombre sont inversés</translation>
    </message>
    <message>
        <source>its protocol says {quote}</source>
        <translation>son protocole dit {quote}</translation>
    </message>
    <message>
        <source>its series description says {quote}</source>
        <translation>sa description de série dit {quote}</translation>
    </message>
    <message>
        <source>its times are {quote}</source>
        <translation>ses temps sont {quote}</translation>
    </message>
    <message>
        <source>kind</source>
        <translation>genre</translation>
    </message>
    <message>
        <source>lesion</source>
        <translation>lésion</translation>
    </message>
    <message>
        <source>longest_mm</source>
        <translation>plus_long_mm</translation>
    </message>
    <message>
        <source>merged</source>
        <translation>fusionnée</translation>
    </message>
    <message>
        <source>new</source>
        <translation>nouvelle</translation>
    </message>
    <message>
        <source>none</source>
        <translation>aucun</translation>
    </message>
    <message>
        <source>not measurable</source>
        <translation>non mesurable</translation>
    </message>
    <message>
        <source>not part of RECIST: of a sphere whose diameter changes so, 0.7 and 1.2 cubed</source>
        <translation>hors RECIST : d'une sphère dont le diamètre change ainsi, 0.7 et 1.2 au cube</translation>
    </message>
    <message>
        <source>number</source>
        <translation>numéro</translation>
    </message>
    <message>
        <source>object</source>
        <translation>objet</translation>
    </message>
    <message>
        <source>own_probability</source>
        <translation>probabilite_propre</translation>
    </message>
    <message>
        <source>partial response</source>
        <translation>réponse partielle</translation>
    </message>
    <message>
        <source>perpendicular_mm</source>
        <translation>perpendiculaire_mm</translation>
    </message>
    <message>
        <source>pixels</source>
        <translation>pixels</translation>
    </message>
    <message>
        <source>private environment</source>
        <translation>environnement privé</translation>
    </message>
    <message>
        <source>progressive disease</source>
        <translation>maladie progressive</translation>
    </message>
    <message>
        <source>reference</source>
        <translation>référence</translation>
    </message>
    <message>
        <source>region</source>
        <translation>région</translation>
    </message>
    <message>
        <source>same</source>
        <translation>la même</translation>
    </message>
    <message>
        <source>setting</source>
        <translation>réglage</translation>
    </message>
    <message>
        <source>split</source>
        <translation>divisée</translation>
    </message>
    <message>
        <source>stable disease</source>
        <translation>maladie stable</translation>
    </message>
    <message>
        <source>variable</source>
        <translation>variable</translation>
    </message>
    <message>
        <source>volume_ml</source>
        <translation>volume_ml</translation>
    </message>
    <message>
        <source>{count} objects, mean area {mean} pixels, median {median}.</source>
        <translation>{count} objets, aire moyenne {mean} pixels, médiane {median}.</translation>
    </message>
    <message>
        <source>{count} smaller ones are in the CSV.</source>
        <translation>{count} plus petites sont dans le CSV.</translation>
    </message>
    <message>
        <source>{criteria}: sum of longest diameters</source>
        <translation>{criteria} : somme des plus grands diamètres</translation>
    </message>
    <message>
        <source>{criteria}: sum of products of both diameters</source>
        <translation>{criteria} : somme des produits des deux diamètres</translation>
    </message>
    <message>
        <source>{density} per megapixel: the picture states no size of its pixels.</source>
        <translation>{density} par mégapixel : l'image n'indique pas la taille de ses pixels.</translation>
    </message>
    <message>
        <source>{density} per mm2, at {area} um2 a pixel.</source>
        <translation>{density} par mm2, à {area} um2 par pixel.</translation>
    </message>
    <message>
        <source>{folder} holds no wheels.</source>
        <translation>{folder} ne contient aucun paquet (.whl).</translation>
    </message>
    <message>
        <source>{image} does not look like a CT in Hounsfield units, which this network was trained with.</source>
        <translation>{image} ne ressemble pas à un scanner en unités Hounsfield, avec lesquelles ce réseau a été entraîné.</translation>
    </message>
    <message>
        <source>{image} has negative intensities, as z-scored images have; N4 works on logarithms of raw ones.</source>
        <translation>{image} a des intensités négatives, comme les images normalisées (z-score) ; N4 travaille sur les logarithmes des brutes.</translation>
    </message>
    <message>
        <source>{image} is a colour picture; a bias field is estimated on grey values.</source>
        <translation>{image} est une image en couleurs ; un champ de biais s'estime sur des niveaux de gris.</translation>
    </message>
    <message>
        <source>{interpreter} cannot be started.</source>
        <translation>{interpreter} ne peut pas être lancé.</translation>
    </message>
    <message>
        <source>{listed} are scattered in {counts} parts.</source>
        <translation>{listed} : dispersé en {counts} parties.</translation>
    </message>
    <message>
        <source>{listed} is scattered in {counts} parts.</source>
        <translation>{listed} : dispersé en {counts} parties.</translation>
    </message>
    <message>
        <source>{listed} reach the border of the image: what lies beyond is not in the volume.</source>
        <translation>{listed} : atteint le bord de l'image ; ce qui est au-delà n'est pas dans le volume.</translation>
    </message>
    <message>
        <source>{listed} reaches the border of the image: what lies beyond is not in the volume.</source>
        <translation>{listed} : atteint le bord de l'image ; ce qui est au-delà n'est pas dans le volume.</translation>
    </message>
    <message>
        <source>{missing} is missing: this network needs all of its inputs.</source>
        <translation>{missing} manque : ce réseau a besoin de toutes ses entrées.</translation>
    </message>
    <message>
        <source>{missing} of the {found} files of the volume's series are no longer where the DICOM database has them.</source>
        <translation>{missing} des {found} fichiers de la série du volume ne sont plus là où la base de données DICOM les a.</translation>
    </message>
    <message>
        <source>{missing} of the {found} files of the volume's series is no longer where the DICOM database has them.</source>
        <translation>{missing} des {found} fichiers de la série du volume n'est plus là où la base de données DICOM les a.</translation>
    </message>
    <message>
        <source>{name} and {reference} do not overlap in space: their centres are {apart} mm apart.</source>
        <translation>{name} et {reference} ne se recouvrent pas dans l'espace : leurs centres sont à {apart} mm l'un de l'autre.</translation>
    </message>
    <message>
        <source>{name} and {reference} overlap by only {share} of the smaller.</source>
        <translation>{name} et {reference} ne se recouvrent que de {share} de la plus petite.</translation>
    </message>
    <message>
        <source>{name} and {two} seem to be exchanged{others}: what is brightest in the FLAIR is dark in the T2.</source>
        <translation>{name} et {two} semblent inversées{others} : ce qui est le plus clair en FLAIR est sombre en T2.</translation>
    </message>
    <message>
        <source>{name} does not show {share} of what the other images show: its field of view is cut off, or it does not lie on them.</source>
        <translation>{name} ne montre pas {share} de ce que montrent les autres images : son champ de vue est tronqué, ou elle ne leur est pas superposée.</translation>
    </message>
    <message>
        <source>{name} has a background of {nothing} rather than 0: it is subtracted.</source>
        <translation>{name} a un fond de {nothing} au lieu de 0 : il est soustrait.</translation>
    </message>
    <message>
        <source>{name} has a voxel that is not a finite number (NaN or infinite).</source>
        <translation>{name} a un voxel qui n'est pas un nombre fini (NaN ou infini).</translation>
    </message>
    <message>
        <source>{name} has negative intensities: it seems to be normalised (z-scored) already, so its bias field is not corrected.</source>
        <translation>{name} a des intensités négatives : elle semble déjà normalisée (z-score), son champ de biais n'est donc pas corrigé.</translation>
    </message>
    <message>
        <source>{name} has only {count} slices.</source>
        <translation>{name} n'a que {count} coupes.</translation>
    </message>
    <message>
        <source>{name} has thick slices ({sides} mm): small lesions and volumes are uncertain by about a slice.</source>
        <translation>{name} a des coupes épaisses ({sides} mm) : les petites lésions et les volumes sont incertains d'environ une coupe.</translation>
    </message>
    <message>
        <source>{name} has voxels of {sides} mm, which no scanner makes: its header is wrong, and volumes in mL would be too.</source>
        <translation>{name} a des voxels de {sides} mm, qu'aucun appareil ne produit : son en-tête est faux, et les volumes en mL le seraient aussi.</translation>
    </message>
    <message>
        <source>{name} has {count} voxels that are not finite numbers (NaN or infinite).</source>
        <translation>{name} a {count} voxels qui ne sont pas des nombres finis (NaN ou infini).</translation>
    </message>
    <message>
        <source>{name} has {image} channels, but a picture is grey (1) or in colours (3, or 4 with opacity).</source>
        <translation>{name} a {image} canaux, mais une image est grise (1) ou en couleurs (3, ou 4 avec opacité).</translation>
    </message>
    <message>
        <source>{name} has {image} values a voxel (colours or a series in time), but one is needed.</source>
        <translation>{name} a {image} valeurs par voxel (couleurs ou série temporelle), il en faut une.</translation>
    </message>
    <message>
        <source>{name} has {mask} values a voxel.</source>
        <translation>{name} a {mask} valeurs par voxel.</translation>
    </message>
    <message>
        <source>{name} has {voxels} million voxels: it needs much memory and time.</source>
        <translation>{name} a {voxels} millions de voxels : il faut beaucoup de mémoire et de temps.</translation>
    </message>
    <message>
        <source>{name} holds 0 Hounsfield units, as water has, where there should be air: what lay outside was cut away and filled with 0.</source>
        <translation>{name} contient 0 unité Hounsfield, comme l'eau, là où il devrait y avoir de l'air : ce qui se trouvait à l'extérieur a été coupé et rempli de 0.</translation>
    </message>
    <message>
        <source>{name} holds nothing but the value {least}.</source>
        <translation>{name} ne contient que la valeur {least}.</translation>
    </message>
    <message>
        <source>{name} holds nothing but the value {value}: nothing can be found in it.</source>
        <translation>{name} ne contient que la valeur {value} : rien ne peut y être trouvé.</translation>
    </message>
    <message>
        <source>{name} holds only a few whole numbers, like a mask or label map.</source>
        <translation>{name} ne contient que quelques nombres entiers, comme un masque ou une carte d'étiquettes.</translation>
    </message>
    <message>
        <source>{name} holds {which}.</source>
        <translation>{name} contient des coupes copiées ({which}).</translation>
    </message>
    <message>
        <source>{name} in the bundle cannot be read.</source>
        <translation>{name} dans le paquet est illisible.</translation>
    </message>
    <message>
        <source>{name} in the bundle is not what was put there.</source>
        <translation>{name} dans le paquet n'est pas ce qui y a été mis.</translation>
    </message>
    <message>
        <source>{name} is a single slice, but the whole volume is needed.</source>
        <translation>{name} est une seule coupe, il faut le volume entier.</translation>
    </message>
    <message>
        <source>{name} is a volume of {image} slices, but a picture is needed.</source>
        <translation>{name} est un volume de {image} coupes, il faut une image plane.</translation>
    </message>
    <message>
        <source>{name} is a {kind} by its DICOM header, not {kind_names}.</source>
        <translation>{name} est, d'après son en-tête DICOM, {kind} et non {kind_names}.</translation>
    </message>
    <message>
        <source>{name} is empty.</source>
        <translation>{name} est vide.</translation>
    </message>
    <message>
        <source>{name} is not in Hounsfield units: its values run from {least} to {most}, without both air (-1000) and soft tissue (0 to 100)</source>
        <translation>{name} n'est pas en unités Hounsfield : ses valeurs vont de {least} à {most}, sans l'air (-1000) ni les tissus mous (0 à 100)</translation>
    </message>
    <message>
        <source>{name} is not in Hounsfield units: its values run from {least} to {most}, without both air (-1000) and soft tissue (0 to 100); probably {why}.</source>
        <translation>{name} n'est pas en unités Hounsfield : ses valeurs vont de {least} à {most}, sans l'air (-1000) ni les tissus mous (0 à 100) ; sans doute : {why}.</translation>
    </message>
    <message>
        <source>{name} is the same image as {twin}.</source>
        <translation>{name} est la même image que {twin}.</translation>
    </message>
    <message>
        <source>{name} lies on another grid than {reference} and is resampled to it.</source>
        <translation>{name} est sur une autre grille que {reference} et y est rééchantillonnée.</translation>
    </message>
    <message>
        <source>{name} lies {motion} mm and {motion2} degrees off {reference}: it is moved onto it.</source>
        <translation>{name} est décalée de {motion} mm et {motion2} degrés par rapport à {reference} : elle y est recalée.</translation>
    </message>
    <message>
        <source>{name} looks like a CT (air at -1000), but an MR image is needed.</source>
        <translation>{name} ressemble à un scanner (air à -1000), il faut une image IRM.</translation>
    </message>
    <message>
        <source>{name} looks like {article}: {reason}.</source>
        <translation>{name} ressemble à {article} : {reason}.</translation>
    </message>
    <message>
        <source>{name} may not lie on {reference}, but no place was found where it clearly fits better: it is left where it is.</source>
        <translation>{name} n'est peut-être pas superposée à {reference}, mais aucune position nettement meilleure n'a été trouvée : elle reste où elle est.</translation>
    </message>
    <message>
        <source>{name} measures {sides} mm, which is no usual field of view.</source>
        <translation>{name} mesure {sides} mm, ce qui n'est pas un champ de vue usuel.</translation>
    </message>
    <message>
        <source>{name} shows no brain where the reference lies.</source>
        <translation>{name} ne montre pas de cerveau là où se trouve la référence.</translation>
    </message>
    <message>
        <source>{name} shows on the left what {by_key} shows on the right: one of them seems to be mirrored.</source>
        <translation>{name} montre à gauche ce que {by_key} montre à droite : l'une d'elles semble inversée.</translation>
    </message>
    <message>
        <source>{name} shows the same as {heads}, in other numbers or stored another way round.</source>
        <translation>{name} montre la même chose que {heads}, avec d'autres nombres ou enregistré dans un autre sens.</translation>
    </message>
    <message>
        <source>{name} shows the skull and scalp: the brain is extracted before it is segmented, for the network knows nothing else.</source>
        <translation>{name} montre le crâne et le cuir chevelu : le cerveau est extrait avant la segmentation, car le réseau ne connaît que lui.</translation>
    </message>
    <message>
        <source>{outside} of {segment} lies outside of what the images show.</source>
        <translation>{outside} de {segment} est hors de ce que montrent les images.</translation>
    </message>
    <message>
        <source>{region} cannot be seen without {input}, so it is left empty.</source>
        <translation>{region} ne se voit pas sans {input} et reste vide.</translation>
    </message>
    <message>
        <source>{region} is doubtful without {input}.</source>
        <translation>{region} : douteux sans {input}.</translation>
    </message>
    <message>
        <source>{segment} lies in the left half of the body: the header may exchange left and right.</source>
        <translation>{segment} se trouve dans la moitié gauche du corps : l’en-tête échange peut-être la gauche et la droite.</translation>
    </message>
    <message>
        <source>{segment} lies in the right half of the body: the header may exchange left and right.</source>
        <translation>{segment} se trouve dans la moitié droite du corps : l’en-tête échange peut-être la gauche et la droite.</translation>
    </message>
    <message>
        <source>{segment} takes {share} of all that the images show: that is more than can be.</source>
        <translation>{segment} occupe {share} de tout ce que montrent les images : c'est plus que possible.</translation>
    </message>
    <message>
        <source>{share} % of {region}</source>
        <translation>{share} % de {region}</translation>
    </message>
    <message>
        <source>{share} and at least {least} mm</source>
        <translation>{share} et au moins {least} mm</translation>
    </message>
    <message>
        <source>{small} parts of {region} smaller than {region2} of the largest are left out ({together}).</source>
        <translation>{region} : {small} parties plus petites que {region2} de la plus grande ont été laissées de côté ({together}).</translation>
    </message>
    <message>
        <source>{task}, version {version}</source>
        <translation>{task}, version {version}</translation>
    </message>
    <message>
        <source>{task}: follow-up</source>
        <translation>{task} : suivi</translation>
    </message>
    <message>
        <source>{task}: report</source>
        <translation>{task} : rapport</translation>
    </message>
    <message>
        <source>{titles} is missing: the segmentation is less accurate without it.</source>
        <translation>{titles} manque : sans elle la segmentation est moins précise.</translation>
    </message>
    <message>
        <source>{title} measure about {across} pixels a side, and the network knows those of {known}: what was found is doubtful.</source>
        <translation>{title} : environ {across} pixels de côté, et le réseau connaît ceux de {known} ; ce qui a été trouvé est douteux.</translation>
    </message>
    <message>
        <source>{value} cannot be written.</source>
        <translation>Impossible d’écrire {value}.</translation>
    </message>
</context>
<context>
    <name>Networks</name>
    <message>
        <source>A result folder of nnU-Net v2 (with plans.json and dataset.json), or a MONAI bundle (with the folders configs and models).</source>
        <translation>Un dossier de résultats de nnU-Net v2 (avec plans.json et dataset.json), ou un bundle MONAI (avec les dossiers configs et models).</translation>
    </message>
    <message>
        <source>Add a file...</source>
        <translation>Ajouter un fichier...</translation>
    </message>
    <message>
        <source>Add a network...</source>
        <translation>Ajouter un réseau...</translation>
    </message>
    <message>
        <source>Add it</source>
        <translation>L'ajouter</translation>
    </message>
    <message>
        <source>Add nothing.</source>
        <translation>Ne rien ajouter.</translation>
    </message>
    <message>
        <source>Convert the network and keep it on this computer.</source>
        <translation>Convertir le réseau et le garder sur cet ordinateur.</translation>
    </message>
    <message>
        <source>Licence: not stated. Under which may it be used?</source>
        <translation>Licence : non indiquée. Sous laquelle peut-il être utilisé ?</translation>
    </message>
    <message>
        <source>Networks</source>
        <translation>Réseaux</translation>
    </message>
    <message>
        <source>Not now</source>
        <translation>Pas maintenant</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Supprimer</translation>
    </message>
    <message>
        <source>Remove the chosen network from this computer.</source>
        <translation>Supprimer le réseau choisi de cet ordinateur.</translation>
    </message>
    <message>
        <source>The licence that came with the network. It is kept with it and shown wherever it is.</source>
        <translation>La licence fournie avec le réseau. Elle reste avec lui et s'affiche partout où il est.</translation>
    </message>
    <message>
        <source>The model.pt of SlicerMONAIAuto3DSeg.</source>
        <translation>Le model.pt de SlicerMONAIAuto3DSeg.</translation>
    </message>
    <message>
        <source>The networks that you have added, with their licences. A click chooses one.</source>
        <translation>Les réseaux que vous avez ajoutés, avec leurs licences. Un clic en choisit un.</translation>
    </message>
</context>
<context>
    <name>scene.correction_section</name>
    <message>
        <source>Click in a slice view on what belongs to the segment: its outline moves there, along the edges.</source>
        <translation>Cliquer dans une coupe sur ce qui appartient au segment : son contour s'y déplace, le long des bords.</translation>
    </message>
    <message>
        <source>Click in a slice view on what does not belong to the segment: its outline moves away, to the edges.</source>
        <translation>Cliquer dans une coupe sur ce qui n'appartient pas au segment : son contour s'en écarte, jusqu'aux bords.</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>Comparer</translation>
    </message>
    <message>
        <source>Correct:</source>
        <translation>Corriger :</translation>
    </message>
    <message>
        <source>Dice</source>
        <translation>Dice</translation>
    </message>
    <message>
        <source>Inside</source>
        <translation>Dedans</translation>
    </message>
    <message>
        <source>Nothing to change: the point already lies on that side.</source>
        <translation>Rien à changer : le point est déjà de ce côté.</translation>
    </message>
    <message>
        <source>Outside</source>
        <translation>Dehors</translation>
    </message>
    <message>
        <source>Redrawing ...</source>
        <translation>Nouveau tracé ...</translation>
    </message>
    <message>
        <source>Save as training case</source>
        <translation>Enregistrer pour l'entraînement</translation>
    </message>
    <message>
        <source>Saved without names as case {name} in {folder}</source>
        <translation>Enregistré sans noms comme cas {name} dans {folder}</translation>
    </message>
    <message>
        <source>Segment</source>
        <translation>Segment</translation>
    </message>
    <message>
        <source>Show what was changed since the network's result: added in green, removed in magenta.</source>
        <translation>Montrer ce qui a changé depuis le résultat du réseau : ajouts en vert, retraits en magenta.</translation>
    </message>
    <message>
        <source>Take the last point and what it changed back.</source>
        <translation>Annuler le dernier point et ce qu'il a changé.</translation>
    </message>
    <message>
        <source>The last point was taken back.</source>
        <translation>Le dernier point a été annulé.</translation>
    </message>
    <message>
        <source>The segment that points correct.</source>
        <translation>Le segment que les points corrigent.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Annuler</translation>
    </message>
    <message>
        <source>Write the images and the corrected labels for medsegdl-train, without names and dates. A head with its face on stays a face.</source>
        <translation>Écrire les images et les étiquettes corrigées pour medsegdl-train, sans noms ni dates. Une tête avec son visage reste un visage.</translation>
    </message>
    <message>
        <source>Writing the case ...</source>
        <translation>Écriture du cas ...</translation>
    </message>
    <message>
        <source>after</source>
        <translation>après</translation>
    </message>
    <message>
        <source>mL before</source>
        <translation>mL avant</translation>
    </message>
    <message>
        <source>{segment}: {volume} mL added.</source>
        <translation>{segment} : {volume} mL ajoutés.</translation>
    </message>
    <message>
        <source>{segment}: {volume} mL removed.</source>
        <translation>{segment} : {volume} mL retirés.</translation>
    </message>
</context>
<context>
    <name>scene.dicom_section</name>
    <message>
        <source>A folder for the DICOM files</source>
        <translation>Un dossier pour les fichiers DICOM</translation>
    </message>
    <message>
        <source>Into DICOM database</source>
        <translation>Dans la base DICOM</translation>
    </message>
    <message>
        <source>Save as DICOM ...</source>
        <translation>Enregistrer en DICOM ...</translation>
    </message>
    <message>
        <source>The folder holds DICOM files of a result already. Replace them?</source>
        <translation>Le dossier contient déjà des fichiers DICOM d'un résultat. Les remplacer ?</translation>
    </message>
    <message>
        <source>The result was saved as DICOM: {path}</source>
        <translation>Le résultat a été enregistré en DICOM : {path}</translation>
    </message>
    <message>
        <source>The result was saved into the DICOM database.</source>
        <translation>Le résultat a été enregistré dans la base de données DICOM.</translation>
    </message>
    <message>
        <source>The same, into Slicer's DICOM database.</source>
        <translation>La même chose, dans la base de données DICOM de Slicer.</translation>
    </message>
    <message>
        <source>Write segmentation (SEG), measurements (SR) and pictures beside the series of the volume, as the segments now are.</source>
        <translation>Écrire segmentation (SEG), mesures (SR) et images à côté de la série du volume, telles que sont maintenant les segments.</translation>
    </message>
</context>
<context>
    <name>scene.expectation</name>
    <message>
        <source>Expected: about {seconds} s and {memory} GB of memory, after one earlier run on this machine.</source>
        <translation>Prévu : environ {seconds} s et {memory} GB de mémoire, d'après une exécution précédente sur cette machine.</translation>
    </message>
    <message>
        <source>Expected: about {seconds} s and {memory} GB of memory, after {count} earlier runs on this machine.</source>
        <translation>Prévu : environ {seconds} s et {memory} GB de mémoire, d'après {count} exécutions précédentes sur cette machine.</translation>
    </message>
    <message>
        <source>Expected: about {seconds} s, after one earlier run on this machine.</source>
        <translation>Prévu : environ {seconds} s, d'après une exécution précédente sur cette machine.</translation>
    </message>
    <message>
        <source>Expected: about {seconds} s, after {count} earlier runs on this machine.</source>
        <translation>Prévu : environ {seconds} s, d'après {count} exécutions précédentes sur cette machine.</translation>
    </message>
    <message>
        <source>With {inputs} alone the network did as well as with all inputs (one case held out).</source>
        <translation>Avec seulement {inputs}, le réseau a fait aussi bien qu'avec toutes les entrées (un cas de test).</translation>
    </message>
    <message>
        <source>With {inputs} alone the network did as well as with all inputs ({cases} cases held out).</source>
        <translation>Avec seulement {inputs}, le réseau a fait aussi bien qu'avec toutes les entrées ({cases} cas de test).</translation>
    </message>
    <message>
        <source>With {inputs} alone, Dice was: {values} (one case held out).</source>
        <translation>Avec seulement {inputs}, le Dice était : {values} (un cas de test).</translation>
    </message>
    <message>
        <source>With {inputs} alone, mean Dice was: {values} ({cases} cases held out).</source>
        <translation>Avec seulement {inputs}, le Dice moyen était : {values} ({cases} cas de test).</translation>
    </message>
    <message>
        <source>{region} {here} instead of {all}</source>
        <translation>{region} {here} au lieu de {all}</translation>
    </message>
</context>
<context>
    <name>scene.findings_section</name>
    <message>
        <source>Install it now ({size}, about {minutes:.0f} min)</source>
        <translation>L'installer maintenant ({size}, environ {minutes:.0f} min)</translation>
    </message>
</context>
<context>
    <name>scene.follow_up_section</name>
    <message>
        <source>Chart</source>
        <translation>Graphique</translation>
    </message>
    <message>
        <source>Compare studies</source>
        <translation>Comparer les examens</translation>
    </message>
    <message>
        <source>Date</source>
        <translation>Date</translation>
    </message>
    <message>
        <source>Earlier</source>
        <translation>Plus tôt</translation>
    </message>
    <message>
        <source>First and last study beside each other, linked; again: as before.</source>
        <translation>Premier et dernier examen côte à côte, liés ; encore une fois : comme avant.</translation>
    </message>
    <message>
        <source>Follow-up</source>
        <translation>Suivi</translation>
    </message>
    <message>
        <source>Later</source>
        <translation>Plus tard</translation>
    </message>
    <message>
        <source>Lay the studies on the first one, match their lesions, and measure what has changed.</source>
        <translation>Superposer les examens au premier, apparier leurs lésions et mesurer ce qui a changé.</translation>
    </message>
    <message>
        <source>Laying study {number} on the first one ...</source>
        <translation>Superposition de l'examen {number} au premier ...</translation>
    </message>
    <message>
        <source>Matching the lesions ...</source>
        <translation>Appariement des lésions ...</translation>
    </message>
    <message>
        <source>Measuring the studies ...</source>
        <translation>Mesure des examens ...</translation>
    </message>
    <message>
        <source>Move the chosen study down.</source>
        <translation>Déplacer l'examen choisi vers le bas.</translation>
    </message>
    <message>
        <source>Move the chosen study up.</source>
        <translation>Déplacer l'examen choisi vers le haut.</translation>
    </message>
    <message>
        <source>Report ...</source>
        <translation>Rapport ...</translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation>Côte à côte</translation>
    </message>
    <message>
        <source>Studies laid on the first one</source>
        <translation>Examens superposés au premier</translation>
    </message>
    <message>
        <source>Study</source>
        <translation>Examen</translation>
    </message>
    <message>
        <source>The lesions of the last study, and those that are gone. A click shows one.</source>
        <translation>Les lésions du dernier examen, et celles qui ont disparu. Un clic en montre une.</translation>
    </message>
    <message>
        <source>The results to compare, the earliest first. Leave out what is no study of its own.</source>
        <translation>Les résultats à comparer, le plus ancien d'abord. Écartez ce qui n'est pas un examen à part.</translation>
    </message>
    <message>
        <source>The transforms that registration found; they can be taken off.</source>
        <translation>Les transformations trouvées par le recalage ; elles peuvent être retirées.</translation>
    </message>
    <message>
        <source>Volumes of the first and the last study.</source>
        <translation>Volumes du premier et du dernier examen.</translation>
    </message>
    <message>
        <source>Volumes over time, as a chart and a table; again: as before.</source>
        <translation>Volumes au cours du temps, en graphique et en tableau ; encore une fois : comme avant.</translation>
    </message>
    <message>
        <source>What the response is told by.</source>
        <translation>Ce d'après quoi la réponse est donnée.</translation>
    </message>
    <message>
        <source>Write the comparison as one page (HTML or PDF), and its figures as CSV.</source>
        <translation>Écrire la comparaison sur une page (HTML ou PDF), et ses chiffres en CSV.</translation>
    </message>
    <message>
        <source>not known</source>
        <translation>inconnue</translation>
    </message>
</context>
<context>
    <name>scene.follow_up_tables</name>
    <message>
        <source>Became</source>
        <translation>Devenue</translation>
    </message>
    <message>
        <source>Before (mm)</source>
        <translation>Avant (mm)</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>Changement</translation>
    </message>
    <message>
        <source>First (mL)</source>
        <translation>Premier (mL)</translation>
    </message>
    <message>
        <source>Last (mL)</source>
        <translation>Dernier (mL)</translation>
    </message>
    <message>
        <source>Lesion</source>
        <translation>Lésion</translation>
    </message>
    <message>
        <source>Now (mm)</source>
        <translation>Maintenant (mm)</translation>
    </message>
    <message>
        <source>Region</source>
        <translation>Région</translation>
    </message>
</context>
<context>
    <name>scene.follow_up_texts</name>
    <message>
        <source>An aid to the reader, not a diagnosis: steroids, clinical state, confirmation and lesions that are no targets are not known here.</source>
        <translation>Une aide au lecteur, pas un diagnostic : corticoïdes, état clinique, confirmation et lésions non cibles ne sont pas connus ici.</translation>
    </message>
    <message>
        <source>complete response</source>
        <translation>réponse complète</translation>
    </message>
    <message>
        <source>gone</source>
        <translation>disparue</translation>
    </message>
    <message>
        <source>merged</source>
        <translation>fusionnée</translation>
    </message>
    <message>
        <source>new</source>
        <translation>nouvelle</translation>
    </message>
    <message>
        <source>not measurable</source>
        <translation>non mesurable</translation>
    </message>
    <message>
        <source>partial response</source>
        <translation>réponse partielle</translation>
    </message>
    <message>
        <source>progressive disease</source>
        <translation>maladie progressive</translation>
    </message>
    <message>
        <source>same</source>
        <translation>la même</translation>
    </message>
    <message>
        <source>split</source>
        <translation>divisée</translation>
    </message>
    <message>
        <source>stable disease</source>
        <translation>maladie stable</translation>
    </message>
    <message>
        <source>{measure}: partial from {partial}, progressive from {progressive} ({source}).</source>
        <translation>{measure} : partielle à partir de {partial}, progressive à partir de {progressive} ({source}).</translation>
    </message>
    <message>
        <source>{region}: {diameters} by diameters, {volume} by volume.</source>
        <translation>{region} : {diameters} d'après les diamètres, {volume} d'après le volume.</translation>
    </message>
</context>
<context>
    <name>scene.head_section</name>
    <message>
        <source>Brain extraction:</source>
        <translation>Extraction du cerveau :</translation>
    </message>
    <message>
        <source>Correct the brain mask</source>
        <translation>Corriger le masque du cerveau</translation>
    </message>
    <message>
        <source>Inputs moved onto the reference: {count}</source>
        <translation>Entrées recalées sur la référence : {count}</translation>
    </message>
    <message>
        <source>Move the images onto the reference. Automatic does so where they do not lie on it; the transforms can be undone.</source>
        <translation>Recaler les images sur la référence. « Automatique » le fait si elles n'y sont pas superposées ; les transformations peuvent être annulées.</translation>
    </message>
    <message>
        <source>Open the Segment Editor on the brain mask. The next run uses the mask as you leave it.</source>
        <translation>Ouvrir l'éditeur de segments sur le masque du cerveau. La prochaine exécution utilise le masque tel que vous le laissez.</translation>
    </message>
    <message>
        <source>Registration:</source>
        <translation>Recalage :</translation>
    </message>
    <message>
        <source>Show the brain mask ({volume} mL)</source>
        <translation>Montrer le masque du cerveau ({volume} mL)</translation>
    </message>
    <message>
        <source>Take skull and scalp away first. Automatic does so where the check finds them. A mask that you corrected is used instead.</source>
        <translation>Enlever d'abord le crâne et le cuir chevelu. « Automatique » le fait si le contrôle les trouve. Un masque que vous avez corrigé est utilisé à la place.</translation>
    </message>
    <message>
        <source>To have the brain found anew, delete the segment of the mask in the Segment Editor.</source>
        <translation>Pour retrouver le cerveau à nouveau, supprimer le segment du masque dans l'éditeur de segments.</translation>
    </message>
</context>
<context>
    <name>scene.input_section</name>
    <message>
        <source>Study:</source>
        <translation>Étude :</translation>
    </message>
    <message>
        <source>Swap {one} and {other}</source>
        <translation>Échanger {one} et {other}</translation>
    </message>
    <message>
        <source>The scene holds images of several studies. One is segmented at a time: choose which; its images fill the inputs.</source>
        <translation>La scène contient des images de plusieurs études. Une seule est segmentée à la fois : choisissez laquelle ; ses images remplissent les entrées.</translation>
    </message>
    <message>
        <source>Use it for: {task}</source>
        <translation>L'utiliser pour : {task}</translation>
    </message>
</context>
<context>
    <name>scene.learning_section</name>
    <message>
        <source>Cancel</source>
        <translation>Annuler</translation>
    </message>
    <message>
        <source>Dice on one case kept back: {before} before, {after} after learning from {trained}.</source>
        <translation>Dice sur un cas mis de côté : {before} avant, {after} après l'apprentissage sur {trained}.</translation>
    </message>
    <message>
        <source>Dice on {kept} cases kept back: {before} before, {after} after learning from {trained}.</source>
        <translation>Dice sur {kept} cas mis de côté : {before} avant, {after} après l'apprentissage sur {trained}.</translation>
    </message>
    <message>
        <source>Learn from my corrections</source>
        <translation>Apprendre de mes corrections</translation>
    </message>
    <message>
        <source>Learning was cancelled. The network in use stays.</source>
        <translation>L'apprentissage a été annulé. Le réseau utilisé reste.</translation>
    </message>
    <message>
        <source>Starting ...</source>
        <translation>Démarrage ...</translation>
    </message>
    <message>
        <source>Stop learning. The network in use stays.</source>
        <translation>Arrêter l'apprentissage. Le réseau utilisé reste.</translation>
    </message>
    <message>
        <source>Take the learned network away: the one from before is used again.</source>
        <translation>Retirer le réseau appris : le précédent est de nouveau utilisé.</translation>
    </message>
    <message>
        <source>That is not better: the network in use stays.</source>
        <translation>Ce n'est pas mieux : le réseau utilisé reste.</translation>
    </message>
    <message>
        <source>The network from before is used again.</source>
        <translation>Le réseau précédent est de nouveau utilisé.</translation>
    </message>
    <message>
        <source>The new network is used; one click takes it back.</source>
        <translation>Le nouveau réseau est utilisé ; un clic revient en arrière.</translation>
    </message>
    <message>
        <source>Train the network on the saved cases, and judge it on some that are kept back. It is used only if it is better.</source>
        <translation>Entraîner le réseau sur les cas enregistrés et le juger sur d'autres mis de côté. Il n'est utilisé que s'il est meilleur.</translation>
    </message>
    <message>
        <source>Use the earlier network</source>
        <translation>Utiliser le réseau précédent</translation>
    </message>
</context>
<context>
    <name>scene.network_info</name>
    <message>
        <source>Licence</source>
        <translation>Licence</translation>
    </message>
    <message>
        <source>There are no weights for this task in any of the places: {places}</source>
        <translation>Il n'y a pas de poids pour cette tâche aux emplacements : {places}</translation>
    </message>
    <message>
        <source>Trained on</source>
        <translation>Entraîné avec</translation>
    </message>
    <message>
        <source>none</source>
        <translation>aucun</translation>
    </message>
</context>
<context>
    <name>scene.networks_section</name>
    <message>
        <source>&lt;b&gt;{title}&lt;/b&gt; ({kind}, {size}).</source>
        <translation>&lt;b&gt;{title}&lt;/b&gt; ({kind}, {size}).</translation>
    </message>
    <message>
        <source>Adding the network ...</source>
        <translation>Ajout du réseau ...</translation>
    </message>
    <message>
        <source>Install what this network needs now ({size}, about {minutes:.0f} min)</source>
        <translation>Installer maintenant ce que demande ce réseau ({size}, environ {minutes:.0f} min)</translation>
    </message>
    <message>
        <source>Installing what the network needs ...</source>
        <translation>Installation de ce que demande le réseau ...</translation>
    </message>
    <message>
        <source>It finds: {regions}.</source>
        <translation>Il trouve : {regions}.</translation>
    </message>
    <message>
        <source>It needs {packages}, not installed in {python}: install them there, or use the private environment (Advanced).</source>
        <translation>Il demande {packages}, non installés dans {python} : les y installer, ou utiliser l'environnement privé (Avancé).</translation>
    </message>
    <message>
        <source>It needs {packages}, which are installed first: {download} to download, {disk} on disk, about {minutes:.0f} min.</source>
        <translation>Il demande {packages}, installés d'abord : {download} à télécharger, {disk} sur disque, environ {minutes:.0f} min.</translation>
    </message>
    <message>
        <source>Licence: {licence}</source>
        <translation>Licence : {licence}</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>Réseau</translation>
    </message>
    <message>
        <source>Networks of your own: none yet. They are kept in {place}.</source>
        <translation>Vos réseaux : aucun pour l'instant. Ils sont gardés dans {place}.</translation>
    </message>
    <message>
        <source>Networks of your own: {size} in {place}.</source>
        <translation>Vos réseaux : {size} dans {place}.</translation>
    </message>
    <message>
        <source>On disk</source>
        <translation>Sur disque</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Supprimer</translation>
    </message>
    <message>
        <source>Remove ({size})</source>
        <translation>Supprimer ({size})</translation>
    </message>
    <message>
        <source>Remove {file} and its manifest from {place}? This cannot be undone.</source>
        <translation>Supprimer {file} et son manifeste de {place} ? C'est irréversible.</translation>
    </message>
    <message>
        <source>So it is with {count} more: see their tips in the table.</source>
        <translation>Il en est de même pour {count} autres : voir leurs infobulles dans le tableau.</translation>
    </message>
    <message>
        <source>The file of a network</source>
        <translation>Le fichier d'un réseau</translation>
    </message>
    <message>
        <source>The folder of a network</source>
        <translation>Le dossier d'un réseau</translation>
    </message>
    <message>
        <source>The packages are installed.</source>
        <translation>Les paquets sont installés.</translation>
    </message>
    <message>
        <source>The server has networks of its own: add them there.</source>
        <translation>Le serveur a ses propres réseaux : les ajouter là-bas.</translation>
    </message>
    <message>
        <source>not stated</source>
        <translation>non indiquée</translation>
    </message>
    <message>
        <source>{file} cannot be used: {why}</source>
        <translation>{file} ne peut pas être utilisé : {why}</translation>
    </message>
    <message>
        <source>{file} was removed.</source>
        <translation>{file} a été supprimé.</translation>
    </message>
    <message>
        <source>{regions} and {count} more</source>
        <translation>{regions} et {count} autres</translation>
    </message>
    <message>
        <source>{title} was added (licence: {licence}).</source>
        <translation>{title} a été ajouté (licence : {licence}).</translation>
    </message>
</context>
<context>
    <name>scene.panel</name>
    <message>
        <source>Done.</source>
        <translation>Terminé.</translation>
    </message>
    <message>
        <source>Getting ready ...</source>
        <translation>Préparation en cours ...</translation>
    </message>
    <message>
        <source>Load a volume and select it above.</source>
        <translation>Charger un volume et le choisir ci-dessus.</translation>
    </message>
    <message>
        <source>Segment the selected volumes.</source>
        <translation>Segmenter les volumes choisis.</translation>
    </message>
    <message>
        <source>Select at least one input.</source>
        <translation>Choisir au moins une entrée.</translation>
    </message>
    <message>
        <source>Starting ...</source>
        <translation>Démarrage ...</translation>
    </message>
    <message>
        <source>The corrected brain mask is used.</source>
        <translation>Le masque du cerveau corrigé est utilisé.</translation>
    </message>
    <message>
        <source>The inputs look as they should.</source>
        <translation>Les entrées sont comme elles doivent être.</translation>
    </message>
    <message>
        <source>{seconds} s on {device}.</source>
        <translation>{seconds} s sur {device}.</translation>
    </message>
</context>
<context>
    <name>scene.parameters</name>
    <message>
        <source>Accurate</source>
        <translation>Précis</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatique</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>Rapide</translation>
    </message>
    <message>
        <source>GPU (CUDA)</source>
        <translation>GPU (CUDA)</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Non</translation>
    </message>
    <message>
        <source>On</source>
        <translation>Oui</translation>
    </message>
</context>
<context>
    <name>scene.point_markers</name>
    <message>
        <source>Inside</source>
        <translation>Dedans</translation>
    </message>
    <message>
        <source>Outside</source>
        <translation>Dehors</translation>
    </message>
</context>
<context>
    <name>scene.python_section</name>
    <message>
        <source>Making the environment ...</source>
        <translation>Création de l'environnement ...</translation>
    </message>
    <message>
        <source>Private environment: {place}</source>
        <translation>Environnement privé : {place}</translation>
    </message>
    <message>
        <source>PyTorch could not be installed.</source>
        <translation>PyTorch n'a pas pu être installé.</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Supprimer</translation>
    </message>
    <message>
        <source>Remove ({size})</source>
        <translation>Supprimer ({size})</translation>
    </message>
    <message>
        <source>Removing the environment ...</source>
        <translation>Suppression de l'environnement ...</translation>
    </message>
    <message>
        <source>The private environment is ready.</source>
        <translation>L'environnement privé est prêt.</translation>
    </message>
    <message>
        <source>The private environment is removed.</source>
        <translation>L'environnement privé est supprimé.</translation>
    </message>
</context>
<context>
    <name>scene.report_section</name>
    <message>
        <source>Report ...</source>
        <translation>Rapport ...</translation>
    </message>
    <message>
        <source>The report was written: {path}</source>
        <translation>Le rapport a été écrit : {path}</translation>
    </message>
    <message>
        <source>Write a report</source>
        <translation>Écrire un rapport</translation>
    </message>
    <message>
        <source>Write one page with pictures, volumes, lesions and findings (HTML or PDF), and the figures as CSV.</source>
        <translation>Écrire une page avec images, volumes, lésions et constats (HTML ou PDF), et les chiffres en CSV.</translation>
    </message>
</context>
<context>
    <name>scene.shown_section</name>
    <message>
        <source>Area (pixels)</source>
        <translation>Aire (pixels)</translation>
    </message>
    <message>
        <source>Area (um2)</source>
        <translation>Aire (um2)</translation>
    </message>
    <message>
        <source>Areas of the objects</source>
        <translation>Aires des objets</translation>
    </message>
    <message>
        <source>Bright: undecided, a probability near 0.5. Clear: sure, which is not to say right.</source>
        <translation>Clair : indécis, une probabilité proche de 0.5. Transparent : sûr, ce qui ne veut pas dire juste.</translation>
    </message>
    <message>
        <source>Each label is without those inside it. Lesions, corrections and the report keep to the regions.</source>
        <translation>Chaque étiquette est sans celles qui se trouvent en elle. Les lésions, les corrections et le rapport s'en tiennent aux régions.</translation>
    </message>
    <message>
        <source>Histogram of the areas</source>
        <translation>Histogramme des aires</translation>
    </message>
    <message>
        <source>Labels without overlap</source>
        <translation>Étiquettes sans recouvrement</translation>
    </message>
    <message>
        <source>Objects</source>
        <translation>Objets</translation>
    </message>
    <message>
        <source>Show each region without those inside it: {names}.</source>
        <translation>Montrer chaque région sans celles qui se trouvent en elle : {names}.</translation>
    </message>
    <message>
        <source>Show how many objects have which area, in a view of its own. The chart is saved with the scene.</source>
        <translation>Montrer combien d'objets ont quelle aire, dans une vue à part. Le diagramme est enregistré avec la scène.</translation>
    </message>
    <message>
        <source>Show where the network is undecided: brightest where its probability is near 0.5, clear where it is sure. A result that was made without such a map gets one first; its segments stay as they are.</source>
        <translation>Montrer où le réseau est indécis : le plus clair là où sa probabilité est proche de 0.5, transparent là où il est sûr. Un résultat obtenu sans une telle carte en reçoit d'abord une ; ses segments restent tels quels.</translation>
    </message>
    <message>
        <source>The network is sure everywhere, which is not to say right: the largest uncertainty is {largest} bits.</source>
        <translation>Le réseau est sûr partout, ce qui ne veut pas dire juste : la plus grande incertitude est de {largest} bit.</translation>
    </message>
    <message>
        <source>Uncertainty over the images</source>
        <translation>Incertitude sur les images</translation>
    </message>
</context>
<context>
    <name>scene.tour_section</name>
    <message>
        <source>&lt;b&gt;Click Segment&lt;/b&gt;, at the bottom. It can be cancelled at any time; Slicer stays free meanwhile.</source>
        <translation>&lt;b&gt;Cliquez sur Segmenter&lt;/b&gt;, tout en bas. On peut annuler à tout moment ; Slicer reste libre pendant ce temps.</translation>
    </message>
    <message>
        <source>&lt;b&gt;Load images and choose the task.&lt;/b&gt; The inputs fill themselves from names and DICOM tags; rest the mouse on one to read why. Without images of your own: &lt;i&gt;Sample Data&lt;/i&gt;, &lt;i&gt;MedSegDL&lt;/i&gt;.</source>
        <translation>&lt;b&gt;Chargez des images et choisissez la tâche.&lt;/b&gt; Les entrées se remplissent d'après les noms et les tags DICOM ; laissez la souris sur l'une d'elles pour lire pourquoi. Sans images à vous : &lt;i&gt;Sample Data&lt;/i&gt;, &lt;i&gt;MedSegDL&lt;/i&gt;.</translation>
    </message>
    <message>
        <source>&lt;b&gt;Look, correct, report.&lt;/b&gt; Volumes and lesions appear here; a click on a lesion shows it, &lt;i&gt;Inside&lt;/i&gt; and &lt;i&gt;Outside&lt;/i&gt; redraw an outline, &lt;i&gt;Report&lt;/i&gt; writes a page. Research use only: check every result.</source>
        <translation>&lt;b&gt;Regardez, corrigez, rédigez.&lt;/b&gt; Les volumes et les lésions apparaissent ici ; un clic sur une lésion la montre, &lt;i&gt;Dedans&lt;/i&gt; et &lt;i&gt;Dehors&lt;/i&gt; redessinent un contour, &lt;i&gt;Rapport&lt;/i&gt; écrit une page. Pour la recherche uniquement : vérifiez chaque résultat.</translation>
    </message>
    <message>
        <source>&lt;b&gt;Read the findings.&lt;/b&gt; They say what is unusual about the images, and offer what can be done about it in one click.</source>
        <translation>&lt;b&gt;Lisez les constats.&lt;/b&gt; Ils disent ce que les images ont d'inhabituel, et proposent ce qu'on peut y faire en un clic.</translation>
    </message>
    <message>
        <source>Done</source>
        <translation>Terminé</translation>
    </message>
    <message>
        <source>Go to the next step.</source>
        <translation>Passer à l'étape suivante.</translation>
    </message>
    <message>
        <source>Help: a tour in four steps</source>
        <translation>Aide : une visite en quatre étapes</translation>
    </message>
    <message>
        <source>Leave the tour</source>
        <translation>Quitter la visite</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>Suivant</translation>
    </message>
    <message>
        <source>Show what the parts of this panel are for.</source>
        <translation>Montrer à quoi servent les parties de ce panneau.</translation>
    </message>
    <message>
        <source>Step {number} of {count}</source>
        <translation>Étape {number} sur {count}</translation>
    </message>
    <message>
        <source>The link below the inputs shows it again.</source>
        <translation>Le lien sous les entrées la montre à nouveau.</translation>
    </message>
</context>
<context>
    <name>scene.undo_section</name>
    <message>
        <source>Take the last run away: its segments, tables and masks. What was shown before it is shown again.</source>
        <translation>Retirer la dernière exécution : ses segments, tableaux et masques. Ce qui était montré avant l'est de nouveau.</translation>
    </message>
    <message>
        <source>The run was undone.</source>
        <translation>L'exécution a été annulée.</translation>
    </message>
    <message>
        <source>Undo run</source>
        <translation>Annuler l'exécution</translation>
    </message>
</context>
<context>
    <name>scene.widgets</name>
    <message>
        <source>Area (px)</source>
        <translation>Aire (px)</translation>
    </message>
    <message>
        <source>Chosen, for {reason}.</source>
        <translation>Choisie, car {reason}.</translation>
    </message>
    <message>
        <source>Count</source>
        <translation>Nombre</translation>
    </message>
    <message>
        <source>Diameters (mm)</source>
        <translation>Diamètres (mm)</translation>
    </message>
    <message>
        <source>Lesion</source>
        <translation>Lésion</translation>
    </message>
    <message>
        <source>Looks like {title}: {against}.</source>
        <translation>Ressemble à {title} : {against}.</translation>
    </message>
    <message>
        <source>Object</source>
        <translation>Objet</translation>
    </message>
    <message>
        <source>Pixels</source>
        <translation>Pixels</translation>
    </message>
    <message>
        <source>Segment</source>
        <translation>Segment</translation>
    </message>
    <message>
        <source>Volume (mL)</source>
        <translation>Volume (mL)</translation>
    </message>
    <message>
        <source>Voxels</source>
        <translation>Voxels</translation>
    </message>
    <message>
        <source>mL</source>
        <translation>mL</translation>
    </message>
    <message>
        <source>not given</source>
        <translation>non donné</translation>
    </message>
</context>
<context>
    <name>scene.wording</name>
    <message>
        <source>A CT in Hounsfield units, best in the portal venous phase.</source>
        <translation>Un scanner en unités Hounsfield, de préférence au temps portal.</translation>
    </message>
    <message>
        <source>A picture of cells, grey or in colours.</source>
        <translation>Une image de cellules, grise ou en couleurs.</translation>
    </message>
    <message>
        <source>A server, by its address.</source>
        <translation>Un serveur, par son adresse.</translation>
    </message>
    <message>
        <source>An MR of the head of any weighting, with the skull on.</source>
        <translation>Une IRM de la tête de toute pondération, avec le crâne.</translation>
    </message>
    <message>
        <source>Lesion {name} {number}: {size}, {across}</source>
        <translation>Lésion {name} {number} : {size}, {across}</translation>
    </message>
    <message>
        <source>Lesions - {counted}. A click shows one.</source>
        <translation>Lésions - {counted}. Un clic en montre une.</translation>
    </message>
    <message>
        <source>One object, area {area} px. A click shows it.</source>
        <translation>Un objet, aire {area} px. Un clic le montre.</translation>
    </message>
    <message>
        <source>PyTorch for the CPU: {download} to download, {disk} on disk, about {minutes} min. It can be cancelled, goes on where it stopped, and can be removed.</source>
        <translation>PyTorch pour le CPU : {download} à télécharger, {disk} sur disque, environ {minutes} min. On peut l'annuler, il reprend où il s'est arrêté, et on peut le supprimer.</translation>
    </message>
    <message>
        <source>PyTorch with CUDA for the GPU: {download} to download, {disk} on disk, about {minutes} min. It can be cancelled, goes on where it stopped, and can be removed.</source>
        <translation>PyTorch avec CUDA pour le GPU : {download} à télécharger, {disk} sur disque, environ {minutes} min. On peut l'annuler, il reprend où il s'est arrêté, et on peut le supprimer.</translation>
    </message>
    <message>
        <source>T1-weighted, after the contrast agent (gadolinium): T1ce, T1c, T1Gd, T1+C, T1 post. Only here does enhancing tumour show.</source>
        <translation>Pondérée T1, après le produit de contraste (gadolinium) : T1ce, T1c, T1Gd, T1+C, T1 injectée. La prise de contraste de la tumeur ne se voit qu'ici.</translation>
    </message>
    <message>
        <source>T1-weighted, before the contrast agent: T1, T1w, T1n, MPRAGE, SPGR.</source>
        <translation>Pondérée T1, avant le produit de contraste : T1, T1w, T1n, MPRAGE, SPGR.</translation>
    </message>
    <message>
        <source>T2-weighted with dark fluid: FLAIR, T2-FLAIR, TIRM. Its grid is the result's.</source>
        <translation>Pondérée T2 avec liquide sombre : FLAIR, T2-FLAIR, TIRM. Sa grille est celle du résultat.</translation>
    </message>
    <message>
        <source>T2-weighted, fluid is bright: T2, T2w, TSE.</source>
        <translation>Pondérée T2, le liquide est clair : T2, T2w, TSE.</translation>
    </message>
    <message>
        <source>This needs the helper program, which does the arithmetic.</source>
        <translation>Il faut pour cela le programme auxiliaire, qui fait les calculs.</translation>
    </message>
    <message>
        <source>already normalised</source>
        <translation>déjà normalisée</translation>
    </message>
    <message>
        <source>background is not zero</source>
        <translation>le fond n'est pas nul</translation>
    </message>
    <message>
        <source>cannot be seen without it, left empty</source>
        <translation>invisible sans elle, reste vide</translation>
    </message>
    <message>
        <source>field of view is cut off</source>
        <translation>champ de vue tronqué</translation>
    </message>
    <message>
        <source>has copied slices</source>
        <translation>a des coupes copiées</translation>
    </message>
    <message>
        <source>has few slices</source>
        <translation>a peu de coupes</translation>
    </message>
    <message>
        <source>its header is ambiguous</source>
        <translation>son en-tête est ambigu</translation>
    </message>
    <message>
        <source>less</source>
        <translation>moins</translation>
    </message>
    <message>
        <source>looks like a label map</source>
        <translation>ressemble à une carte d'étiquettes</translation>
    </message>
    <message>
        <source>looks like another kind of image</source>
        <translation>ressemble à un autre type d'image</translation>
    </message>
    <message>
        <source>may lie otherwise than its header says</source>
        <translation>n’est peut-être pas orienté comme l’en-tête le dit</translation>
    </message>
    <message>
        <source>memory may be short</source>
        <translation>la mémoire peut manquer</translation>
    </message>
    <message>
        <source>missing, less accurate without</source>
        <translation>manque, moins précis sans</translation>
    </message>
    <message>
        <source>more</source>
        <translation>plus</translation>
    </message>
    <message>
        <source>nobody waiting</source>
        <translation>personne n'attend</translation>
    </message>
    <message>
        <source>on another grid, will be resampled</source>
        <translation>sur une autre grille, sera rééchantillonnée</translation>
    </message>
    <message>
        <source>overlaps little with the others</source>
        <translation>recouvre peu les autres</translation>
    </message>
    <message>
        <source>part of the result lies outside of the body</source>
        <translation>une partie du résultat est hors du corps</translation>
    </message>
    <message>
        <source>seems to be exchanged with another input</source>
        <translation>semble inversée avec une autre entrée</translation>
    </message>
    <message>
        <source>seems to be mirrored</source>
        <translation>semble en miroir</translation>
    </message>
    <message>
        <source>skull present</source>
        <translation>crâne présent</translation>
    </message>
    <message>
        <source>small parts beside a much larger one are left out</source>
        <translation>de petites parties à côté d’une bien plus grande ont été laissées de côté</translation>
    </message>
    <message>
        <source>the result is doubtful without it</source>
        <translation>résultat douteux sans elle</translation>
    </message>
    <message>
        <source>the result is scattered in many parts</source>
        <translation>le résultat est dispersé en de nombreuses parties</translation>
    </message>
    <message>
        <source>the result reaches the border of the image</source>
        <translation>le résultat atteint le bord de l'image</translation>
    </message>
    <message>
        <source>the result takes more than can be</source>
        <translation>le résultat occupe plus que possible</translation>
    </message>
    <message>
        <source>the same image twice</source>
        <translation>deux fois la même image</translation>
    </message>
    <message>
        <source>thick slices</source>
        <translation>coupes épaisses</translation>
    </message>
    <message>
        <source>unusual size</source>
        <translation>taille inhabituelle</translation>
    </message>
    <message>
        <source>very large</source>
        <translation>très grande</translation>
    </message>
    <message>
        <source>{count} inputs</source>
        <translation>{count} entrées</translation>
    </message>
    <message>
        <source>{count} object</source>
        <translation>{count} objet</translation>
    </message>
    <message>
        <source>{count} objects</source>
        <translation>{count} objets</translation>
    </message>
    <message>
        <source>{count} objects, mean area {area} px. A click shows one.</source>
        <translation>{count} objets, aire moyenne {area} px. Un clic en montre un.</translation>
    </message>
    <message>
        <source>{count} waiting</source>
        <translation>{count} en attente</translation>
    </message>
    <message>
        <source>{density} per megapixel: the picture states no size of its pixels.</source>
        <translation>{density} par mégapixel : l'image n'indique pas la taille de ses pixels.</translation>
    </message>
    <message>
        <source>{density} per mm2, at {area} um2 a pixel.</source>
        <translation>{density} par mm2, à {area} um2 par pixel.</translation>
    </message>
    <message>
        <source>{name} takes {share} % of {organ}.</source>
        <translation>{name} occupe {share} % de {organ}.</translation>
    </message>
</context>
</TS>
